extension WrongConfiguration {
    /// Words of Envoy, nginx, Kong and others.
    static let otherGateways = corpus(
        #"""
        --- keys of other gateways
        upstreams: {}
        routes:
          - { host: a.b, path_prefix: /a, upstream: orders }
          - { uri: /a, cluster: orders, retry_policy: {}, rate_limit: 1, jwt: {} }
          - { regex: "/a", proxy_pass: orders, strip_prefix: true, websocket: true }
          - { path: /a, return: 200 }
          - { path: /a, cluster: orders, client_max_body_size: 1m, idle_timeout: 1s, add_header: {} }
        >>> martlet.yaml:1:1:  upstreams: unknown key, expected clusters
        >>> martlet.yaml:3:7:  routes[0].host: unknown key, expected authority
        >>> martlet.yaml:3:18: routes[0].path_prefix: unknown key, expected path or prefix
        >>> martlet.yaml:3:35: routes[0].upstream: unknown key, expected cluster
        >>> martlet.yaml:4:7:  routes[1].uri: unknown key, expected path or prefix
        >>> martlet.yaml:4:33: routes[1].retry_policy: unknown key, expected retry
        >>> martlet.yaml:4:51: routes[1].rate_limit: unknown key, expected limits
        >>> martlet.yaml:4:66: routes[1].jwt: unknown key, expected authentication, at the top level for issuers, and allow here for who may call
        >>> martlet.yaml:5:7:  routes[2].regex: unknown key, expected path: { regex: … }
        >>> martlet.yaml:5:20: routes[2].proxy_pass: unknown key, expected cluster
        >>> martlet.yaml:5:40: routes[2].strip_prefix: unknown key, expected rewrite, such as { prefix: / } beside the route's prefix
        >>> martlet.yaml:5:60: routes[2].websocket: unknown key, expected none: WebSocket is not served
        >>> martlet.yaml:6:17: routes[3].return: unknown key, expected respond, or redirect
        >>> martlet.yaml:7:34: routes[4].client_max_body_size: unknown key, expected body_bytes
        >>> martlet.yaml:7:60: routes[4].idle_timeout: unknown key, expected stream_idle
        >>> martlet.yaml:7:78: routes[4].add_header: unknown key, expected response_headers with set, add or remove
        --- words of other gateways
        clusters: { orders: { endpoints: [10.0.0.1:80], protocol: https }, pages: { endpoints: [10.0.0.1:80], protocol: grpc } }
        routes:
          - { authority: "https://a.b", cluster: orders, allow: anyone }
          - { path: { regex: '/r/(.*)' }, redirect: { path: '/b/$2' }, allow: anyone }
          - { path: /c, redirect: { authority: caller, scheme: https }, allow: anyone }
          - { path: /d, cluster: pages, allow: anyone, request_headers: { set: { x-a: "$host" }, add: { x-b: "a $remote_addr" } } }
          - { path: /f, redirect: { path: "/new%{request.path}" }, allow: anyone }
          - { path: /g, redirect: { path: "/%{request.path}" }, allow: anyone }
        >>> martlet.yaml:1:59:  clusters.orders.protocol: found "https", expected http2 or http1; write tls: {} beside it
        >>> martlet.yaml:1:113: clusters.pages.protocol: found "grpc", expected http2 or http1; write http2, which gRPC is spoken over
        >>> martlet.yaml:3:18:  routes[0].authority: found "https://a.b", expected a host name without a scheme, such as api.acme.dev
        >>> martlet.yaml:4:53:  routes[1].redirect.path: found "/b/$2", expected a group that the route's expression has, not $2: it has one, $1
        >>> martlet.yaml:5:40:  routes[2].redirect.authority: found "caller", expected a host such as www.acme.dev or www.acme.dev:8443; leave it out for the caller's
        >>> martlet.yaml:6:79:  routes[3].request_headers.set.x-a: warning: found $host, which is sent as it is: variables of the call are written %{name}, such as %{request.authority}
        >>> martlet.yaml:6:102: routes[3].request_headers.add.x-b: warning: found $remote_addr, which is sent as it is: variables of the call are written %{name}, such as %{client.address}
        >>> martlet.yaml:8:35:  routes[5].redirect.path: found "/%{request.path}", expected a path without //, which is always refused
        --- groups of an expression in redirects
        routes:
          - { path: { regex: '^/a/(.*)$' }, redirect: { path: '/b/$1' }, allow: anyone }
          - { path: { regex: '^/c/(.*)$' }, redirect: { path: '/c/new/$1' }, allow: anyone }
          - { path: { regex: '^/d/(.*)$' }, redirect: { path: '/e/$1/%{request.id}' }, allow: anyone }
          - { path: /f, redirect: { path: '/g/$1' }, allow: anyone }
        >>> martlet.yaml:3:47: routes[1].redirect: leads to itself: the route takes requests that follow it again, expected another authority or path
        >>> martlet.yaml:4:55: routes[2].redirect.path: found "/e/$1/%{request.id}", expected groups such as $1, or variables such as %{request.path}, but not both
        >>> martlet.yaml:5:35: routes[3].redirect.path: found "/g/$1", expected a path without groups such as $1, which only path: { regex: … } of the route has
        --- expressions that take no path, and groups without a slash
        routes:
          - { path: { regex: '/a\?b=1' }, cluster: orders, allow: anyone }
          - { path: { regex: '^/a//b$' }, cluster: orders, allow: anyone }
          - { path: { regex: '^/a b$' }, cluster: orders, allow: anyone }
          - { path: { regex: '^/d/(.*)$' }, cluster: orders, allow: anyone, rewrite: { path: '$1' } }
          - { path: { regex: '^/e(/.*)$' }, cluster: orders, allow: anyone, rewrite: { path: '$1' } }
          - { path: { regex: '^/f/(?P<a>[(]+)/([a-z]+)$' }, cluster: orders, allow: anyone, rewrite: { path: '$2' } }
          - { path: { regex: '^/\.well-known/.*$' }, cluster: orders, allow: anyone }
        >>> martlet.yaml:2:22:  routes[0].path.regex: found "/a\\?b=1", expected an expression of the path alone: it has no ?, and query matches the parameters
        >>> martlet.yaml:3:22:  routes[1].path.regex: found "^/a//b$", expected an expression that takes a path: one with // is always refused
        >>> martlet.yaml:4:22:  routes[2].path.regex: found "^/a b$", expected a regular expression that takes a path: paths begin with /
        >>> martlet.yaml:5:86:  routes[3].rewrite.path: found "$1", expected a path that begins with /, such as /$1: what $1 takes has none in front
        >>> martlet.yaml:7:102: routes[5].rewrite.path: found "$2", expected a path that begins with /, such as /$2: what $2 takes has none in front
        --- expressions before what they take
        routes:
          - { path: { regex: '^/a\.B/.*$' }, cluster: orders, allow: anyone }
          - { service: a.B, cluster: orders }
          - { path: { regex: '/api/(.*)' }, cluster: orders, allow: anyone }
          - { path: /api/*, cluster: orders }
          - { prefix: /api, cluster: orders }
          - { path: { regex: '^/e(.*)$' }, cluster: orders, allow: anyone }
          - { path: /err, cluster: orders }
          - { path: { regex: '^/e/[a-z]+$' }, cluster: orders }
          - { path: { regex: '^/.*$' }, cluster: orders, allow: anyone }
          - { cluster: orders }
        >>> martlet.yaml:3:5:  routes[1]: never reached: routes[0] ("^/a\\.B/.*$") takes every request that fits it
        >>> martlet.yaml:5:5:  routes[3]: never reached: routes[2] ("/api/(.*)") takes every request that fits it
        >>> martlet.yaml:8:5:  routes[6]: never reached: routes[5] ("^/e(.*)$") takes every request that fits it
        >>> martlet.yaml:9:5:  routes[7]: never reached: routes[5] ("^/e(.*)$") takes every request that fits it
        >>> martlet.yaml:11:5: routes[9]: never reached: routes[8] ("^/.*$") takes every request that fits it
        --- preflights that another route takes
        routes:
          - { path: /a, headers: { x-v: "1" }, cluster: orders, allow: anyone }
          - { path: /a, headers: { x-v: "2" }, cluster: orders, allow: anyone, cors: { origins: ["https://a.dev"] } }
          - { path: /b, headers: { x-w: "1" }, cluster: orders, allow: anyone, cors: { origins: ["https://a.dev"] } }
          - { path: /b, headers: { x-w: "2" }, http_method: GET, cluster: orders, allow: anyone, cors: { origins: ["https://b.dev"] } }
          - { path: /b, headers: { x-w: "3" }, http_method: GET, cluster: orders, allow: anyone, cors: { origins: ["https://a.dev"] } }
        >>> martlet.yaml:3:78: routes[1].cors: warning: found behind routes[0] ("/a"), which takes the preflights of both and has no cors: they announce headers without values
        >>> martlet.yaml:5:96: routes[3].cors: warning: found another cors than that of routes[2] ("/b"), which answers the preflights of both: they announce headers without values
        --- patterns of other routers, and JSON that nobody makes
        clusters: { pages: { endpoints: [10.0.0.1:80], protocol: http1 } }
        routes:
          - { path: /a/:id/b, cluster: pages, allow: anyone }
          - { path: /v1/x:cancel, cluster: pages, allow: anyone, json: { pretty: true } }
        >>> martlet.yaml:3:13: routes[0].path: warning: takes :id alone, as it is written; for any segment write { regex: … } with [^/]+ in its place
        >>> martlet.yaml:4:64: routes[1].json: warning: never applies: cluster "pages" speaks http1, and what it answers is passed on as it is
        """#)
}

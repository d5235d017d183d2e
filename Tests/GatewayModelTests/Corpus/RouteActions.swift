extension WrongConfiguration {
    static let routeActions = corpus(
        #"""
        --- error responses that are never sent, and whose statuses are no errors
        listeners: [{ address: 127.0.0.1:80 }]
        clusters: { web: { endpoints: [10.0.0.1:80], protocol: http1 } }
        routes:
          - prefix: /a
            cluster: web
            allow: anyone
            error_response: [{ status: 503, body: a }, { status: [502, 503], body: b }, { status: [502], body: c }]
          - { prefix: /b, cluster: web, allow: anyone, error_response: { status: 302, body: "%{response.header.x}" } }
        >>> martlet.yaml:7:81: routes[0].error_response[2]: never sent: entries before it have every status of it
        >>> martlet.yaml:8:74: routes[1].error_response.status: found "302", expected a list, each a whole number from 400 to 599
        >>> martlet.yaml:8:85: routes[1].error_response.body: found "%{response.header.x}", expected variables of the request, or %{response.status}: the response is the gateway's own
        --- rewrites of another shape
        routes:
          - { path: /a, cluster: orders, rewrite: {} }
          - { path: /b, cluster: orders, rewrite: /c }
          - { prefix: /c, cluster: orders, rewrite: { prefix: /d, path: /e } }
          - { path: /d, cluster: orders, rewrite: { paht: /d } }
        >>> martlet.yaml:2:43: routes[0].rewrite: found none of path, prefix and authority, expected at least one
        >>> martlet.yaml:3:43: routes[1].rewrite: found "/c", expected a mapping with path, prefix or authority
        >>> martlet.yaml:4:55: routes[2].rewrite.prefix: found beside "path", expected only one of the two
        >>> martlet.yaml:5:45: routes[3].rewrite.paht: unknown key; did you mean "path"?
        --- prefixes that replace none
        routes:
          - { path: /a/*, cluster: orders, rewrite: { prefix: /b } }
          - { service: a.B, cluster: orders, rewrite: { prefix: /b } }
          - { prefix: /c, cluster: orders, rewrite: { prefix: /d/ } }
          - { prefix: /d, cluster: orders, rewrite: { prefix: d } }
          - { prefix: /e, cluster: orders, rewrite: { prefix: /d/* } }
          - { prefix: /f, cluster: orders, rewrite: { prefix: /../d } }
          - { prefix: /g, cluster: orders, rewrite: { prefix: "/d?a" } }
        >>> martlet.yaml:2:55: routes[0].rewrite.prefix: found beside path: /a/*, expected the route's own as prefix: /a, which takes /a itself, too: this replaces what it matched
        >>> martlet.yaml:3:57: routes[1].rewrite.prefix: found without the route's own prefix, expected that beside it: this replaces what it matched
        >>> martlet.yaml:4:55: routes[2].rewrite.prefix: found "/d/", expected no / at the end: what follows the prefix begins with one
        >>> martlet.yaml:5:55: routes[3].rewrite.prefix: found "d", expected a path that begins with / and has no query, such as /v1
        >>> martlet.yaml:6:55: routes[4].rewrite.prefix: found "/d/*", expected a path without *, such as /v1: it replaces the route's prefix alone
        >>> martlet.yaml:7:55: routes[5].rewrite.prefix: found "/../d", expected a path without . and .. segments, which is always refused
        >>> martlet.yaml:8:55: routes[6].rewrite.prefix: found "/d?a", expected a path that begins with / and has no query, such as /v1
        --- paths that cannot be sent
        routes:
          - { path: /a, cluster: orders, rewrite: { path: a } }
          - { path: /b, cluster: orders, rewrite: { path: "/a?b=c" } }
          - { path: /c, cluster: orders, rewrite: { path: "/a#b" } }
          - { path: /d, cluster: orders, rewrite: { path: /a/* } }
          - { path: /e, cluster: orders, rewrite: { path: "/a//b" } }
          - { path: /f, cluster: orders, rewrite: { path: "/a/{id}" } }
          - { path: /g, cluster: orders, rewrite: { path: "/a/%41" } }
          - { path: /h, cluster: orders, rewrite: { path: "/a/$1" } }
          - { service: a.B, cluster: orders, rewrite: { path: /a } }
        >>> martlet.yaml:2:51:  routes[0].rewrite.path: found "a", expected a path that begins with / and has no query, such as /v1/orders
        >>> martlet.yaml:3:51:  routes[1].rewrite.path: found "/a?b=c", expected a path that begins with / and has no query, such as /v1/orders
        >>> martlet.yaml:4:51:  routes[2].rewrite.path: found "/a#b", expected a path without a fragment
        >>> martlet.yaml:5:51:  routes[3].rewrite.path: found "/a/*", expected a path without *: it is sent as it is
        >>> martlet.yaml:6:51:  routes[4].rewrite.path: found "/a//b", expected a path without //, which is always refused
        >>> martlet.yaml:7:51:  routes[5].rewrite.path: found "/a/{id}", expected a path without braces, brackets, quotes, | and ^
        >>> martlet.yaml:8:51:  routes[6].rewrite.path: found "/a/%41", expected a path without escapes of letters, digits, -, ., _ and ~, which is always refused
        >>> martlet.yaml:9:51:  routes[7].rewrite.path: found "/a/$1", expected a path without groups such as $1, which only path: { regex: … } of the route has
        >>> martlet.yaml:10:55: routes[8].rewrite.path: found beside the route's service, whose calls are told apart by their path, expected path or prefix in place of service
        --- groups that the expression does not have
        routes:
          - { path: { regex: "^/a/[^/]+$" }, cluster: orders, rewrite: { path: "/u/$1" } }
          - { path: { regex: "^/b/([^/]+)$" }, cluster: orders, rewrite: { path: "/u/$1/$2" } }
          - { path: { regex: "^/c/(?:x|y)(?P<id>[^/]+)/(.*)$" }, cluster: orders, rewrite: { path: "/u/$3" } }
          - { path: { regex: "^/d/(.*)$" }, cluster: orders, rewrite: { path: "/u/$a" } }
          - { path: { regex: "^/e/(.*)$" }, cluster: orders, rewrite: { path: "/u/$" } }
          - { path: { regex: "^/f/(.*)$" }, cluster: orders, rewrite: { path: "u/$1" } }
          - { path: { regex: "^/g/(.*)$" }, cluster: orders, rewrite: { path: "/u/../$1" } }
          - { path: { regex: "^/h/(.*)$" }, cluster: orders, rewrite: { path: "/u?id=$1" } }
        >>> martlet.yaml:2:72: routes[0].rewrite.path: found "/u/$1", expected a group that the route's expression has, not $1: it has none
        >>> martlet.yaml:3:74: routes[1].rewrite.path: found "/u/$1/$2", expected a group that the route's expression has, not $2: it has one, $1
        >>> martlet.yaml:4:92: routes[2].rewrite.path: found "/u/$3", expected a group that the route's expression has, not $3: it has 2, up to $2
        >>> martlet.yaml:5:71: routes[3].rewrite.path: found "/u/$a", expected $$ for a dollar sign, or $0 to $9 for a group of the route's expression
        >>> martlet.yaml:6:71: routes[4].rewrite.path: found "/u/$", expected $$ for a dollar sign, or $0 to $9 for a group of the route's expression
        >>> martlet.yaml:7:71: routes[5].rewrite.path: found "u/$1", expected a path that begins with / and has no query, such as /v1/orders
        >>> martlet.yaml:8:71: routes[6].rewrite.path: found "/u/../$1", expected a path without . and .. segments, which is always refused
        >>> martlet.yaml:9:71: routes[7].rewrite.path: found "/u?id=$1", expected a path that begins with / and has no query, such as /v1/orders
        --- authorities that are none
        routes:
          - { path: /a, cluster: orders, rewrite: { authority: Orders.internal } }
          - { path: /b, cluster: orders, rewrite: { authority: "orders.internal:" } }
          - { path: /c, cluster: orders, rewrite: { authority: "orders.internal:65536" } }
          - { path: /d, cluster: orders, rewrite: { authority: "*.acme.dev" } }
          - { path: /e, cluster: orders, rewrite: { authority: "http://acme.dev" } }
          - { path: /f, cluster: orders, rewrite: { authority: "::1" } }
          - { path: /g, cluster: orders, rewrite: { authority: callers } }
          - { path: /h, cluster: orders, rewrite: { authority: "u@acme.dev" } }
        >>> martlet.yaml:2:56: routes[0].rewrite.authority: found "Orders.internal", expected a host such as orders.internal or orders.internal:8080, caller or endpoint
        >>> martlet.yaml:3:56: routes[1].rewrite.authority: found "orders.internal:", expected a host such as orders.internal or orders.internal:8080, caller or endpoint
        >>> martlet.yaml:4:56: routes[2].rewrite.authority: found "orders.internal:65536", expected a host such as orders.internal or orders.internal:8080, caller or endpoint
        >>> martlet.yaml:5:56: routes[3].rewrite.authority: found "*.acme.dev", expected a host such as orders.internal or orders.internal:8080, caller or endpoint
        >>> martlet.yaml:6:56: routes[4].rewrite.authority: found "http://acme.dev", expected a host such as orders.internal or orders.internal:8080, caller or endpoint
        >>> martlet.yaml:7:56: routes[5].rewrite.authority: found "::1", expected a host such as orders.internal or orders.internal:8080, caller or endpoint
        >>> martlet.yaml:9:56: routes[7].rewrite.authority: found "u@acme.dev", expected a host such as orders.internal or orders.internal:8080, caller or endpoint
        --- redirects of another shape
        routes:
          - { path: /a, redirect: {} }
          - { path: /b, redirect: { code: 308 } }
          - { path: /c, redirect: "https://acme.dev" }
          - { path: /d, redirect: { scheme: HTTPS, code: 300 } }
          - { path: /e, redirect: { prefix: /d } }
          - { prefix: /f, redirect: { prefix: /g, path: /h } }
          - { path: /g, redirect: { authority: "acme.dev/a", path: "/h?i" } }
          - { path: /h, redirect: { path: "h%{route}" } }
          - { path: /i, redirect: { path: "%{request.path}" } }
          - { path: /j, redirect: { path: "/h/%{response.status}" } }
          - { path: /k, redirect: { path: "/h/%{request.header.cookie}" } }
          - { path: /l, redirect: { path: "/h/%{request.header.}" } }
          - { path: /m, redirect: { path: "/h/%{client.certificate.uri}" } }
          - { path: /n, redirect: { authority: "%{request.authority}" } }
        >>> martlet.yaml:2:27:  routes[0].redirect: found none of scheme, authority, path and prefix, expected at least one
        >>> martlet.yaml:3:27:  routes[1].redirect: found none of scheme, authority, path and prefix, expected at least one
        >>> martlet.yaml:4:27:  routes[2].redirect: found "https://acme.dev", expected a mapping with scheme, authority, path or prefix
        >>> martlet.yaml:5:37:  routes[3].redirect.scheme: found "HTTPS", expected http or https
        >>> martlet.yaml:5:50:  routes[3].redirect.code: found "300", expected 301, 302, 303, 307 or 308
        >>> martlet.yaml:6:37:  routes[4].redirect.prefix: found without the route's own prefix, expected that beside it: this replaces what it matched
        >>> martlet.yaml:7:39:  routes[5].redirect.prefix: found beside "path", expected only one of the two
        >>> martlet.yaml:8:40:  routes[6].redirect.authority: found "acme.dev/a", expected a host such as www.acme.dev or www.acme.dev:8443
        >>> martlet.yaml:8:60:  routes[6].redirect.path: found "/h?i", expected a path that begins with / and has no query, such as /v1/orders
        >>> martlet.yaml:9:35:  routes[7].redirect.path: found "h%{route}", expected a path that begins with / and has no query, such as /v1/orders
        >>> martlet.yaml:10:27: routes[8].redirect: leads to itself: the route takes requests that follow it again, expected another authority or path
        >>> martlet.yaml:11:35: routes[9].redirect.path: found "/h/%{response.status}", expected variables of the request: a redirect is answered without an upstream
        >>> martlet.yaml:12:35: routes[10].redirect.path: found "/h/%{request.header.cookie}", expected no credential of the caller: where a redirect leads is kept in histories and logs, and sent on as Referer
        >>> martlet.yaml:13:35: routes[11].redirect.path: found "/h/%{request.header.}", expected a name behind "request.header."
        >>> martlet.yaml:14:35: routes[12].redirect.path: found %{client.certificate.uri}, expected client_ca at a listener: no client is asked for a certificate
        >>> martlet.yaml:15:40: routes[13].redirect.authority: found "%{request.authority}", expected a host such as www.acme.dev or www.acme.dev:8443
        --- answers of another shape
        routes:
          - { path: /a, respond: ok }
          - { path: /b, respond: { status: 199 } }
          - { path: /c, respond: { status: 600, content_type: text/plain } }
          - { path: /d, respond: { status: 204, body: ok } }
          - { path: /e, respond: { status: 304, body: ok } }
          - { path: /f, respond: { body: [ok] } }
          - { path: /g, respond: { body: "file:page.html" } }
          - { path: /h, respond: { body: ok, content_type: text } }
          - { path: /i, respond: { body: ok, content_type: application/grpc-web } }
          - { path: /j, respond: { body: ok, content_type: "text/plain; charset=é" } }
          - { path: /k, respond: { text: ok } }
        >>> martlet.yaml:2:26:  routes[0].respond: found "ok", expected a mapping with status, body or content_type
        >>> martlet.yaml:3:36:  routes[1].respond.status: found "199", expected a whole number from 200 to 599
        >>> martlet.yaml:4:36:  routes[2].respond.status: found "600", expected a whole number from 200 to 599
        >>> martlet.yaml:4:55:  routes[2].respond.content_type: found without body, expected beside it
        >>> martlet.yaml:5:47:  routes[3].respond.body: found beside a status of 204, whose responses have no body
        >>> martlet.yaml:6:47:  routes[4].respond.body: found beside a status of 304, whose responses have no body
        >>> martlet.yaml:7:34:  routes[5].respond.body: found a list, expected a text, or file:PATH
        >>> martlet.yaml:8:34:  routes[6].respond.body: cannot read "page.html": no such file
        >>> martlet.yaml:9:52:  routes[7].respond.content_type: found "text", expected a media type such as application/json
        >>> martlet.yaml:10:52: routes[8].respond.content_type: found "application/grpc-web", expected another media type: gRPC's callers are never answered so
        >>> martlet.yaml:11:52: routes[9].respond.content_type: found "text/plain; charset=é", expected a media type such as application/json
        >>> martlet.yaml:12:28: routes[10].respond.text: unknown key, expected status, body or content_type
        --- more than one answer
        routes:
          - { path: /a, cluster: orders, respond: { body: ok } }
          - { path: /b, redirect: { scheme: https }, respond: { body: ok } }
          - { path: /c, clusters: { orders: 1 }, redirect: { path: /d } }
          - { path: /d, cluster: orders, redirect: {} }
        >>> martlet.yaml:2:43: routes[0].respond: found beside "cluster", expected only one of the two
        >>> martlet.yaml:3:55: routes[1].respond: found beside "redirect", expected only one of the two
        >>> martlet.yaml:4:52: routes[2].redirect: found beside "clusters", expected only one of the two
        >>> martlet.yaml:5:44: routes[3].redirect: found none of scheme, authority, path and prefix, expected at least one
        >>> martlet.yaml:5:44: routes[3].redirect: found beside "cluster", expected only one of the two
        --- what the gateway cannot serve
        routes:
          - { path: /b, serve: uses }
          - { path: /c, serve: usage, cluster: orders }
          - { service: a.B, serve: usage }
        >>> martlet.yaml:2:24: routes[0].serve: found "uses", expected usage
        >>> martlet.yaml:3:24: routes[1].serve: found beside "cluster", expected only one of the two
        >>> martlet.yaml:4:28: routes[2].serve: found beside "service", whose callers expect the answer of an RPC, expected path or prefix, or fault: { abort: { grpc_status: … } } beside a cluster
        --- what is said of calls upstream where there are none
        routes:
          - { path: /a, redirect: { path: /b }, rewrite: { path: /c }, timeout: 5s, retry: {}, request_headers: { remove: x-a } }
          - { path: /b, respond: {}, mirror: { cluster: orders }, fault: { abort: { http_status: 503 } }, json: {}, max_stream_duration: 1h, sticky: tenant }
        >>> martlet.yaml:2:50:  routes[0].rewrite: found beside "redirect", expected beside a cluster: nothing is sent upstream
        >>> martlet.yaml:2:73:  routes[0].timeout: found beside "redirect", expected beside a cluster: nothing is sent upstream
        >>> martlet.yaml:2:84:  routes[0].retry: found beside "redirect", expected beside a cluster: nothing is sent upstream
        >>> martlet.yaml:2:105: routes[0].request_headers: found beside "redirect", expected beside a cluster: nothing is sent upstream
        >>> martlet.yaml:3:38:  routes[1].mirror: found beside "respond", expected beside a cluster: nothing is sent upstream
        >>> martlet.yaml:3:66:  routes[1].fault: found beside "respond", expected beside a cluster: nothing is sent upstream
        >>> martlet.yaml:3:105: routes[1].json: found beside "respond", expected beside a cluster: nothing is sent upstream
        >>> martlet.yaml:3:130: routes[1].max_stream_duration: found beside "respond", expected beside a cluster: nothing is sent upstream
        >>> martlet.yaml:3:142: routes[1].sticky: found without clusters, expected beside them: there is nothing to choose from
        --- services that redirect or respond
        routes:
          - { service: a.B, redirect: { authority: acme.dev } }
          - { service: a.C, respond: { status: 503 } }
        >>> martlet.yaml:2:31: routes[0].redirect: found beside "service", expected path or prefix: clients of RPCs follow no redirects
        >>> martlet.yaml:3:30: routes[1].respond: found beside "service", whose callers expect the answer of an RPC, expected path or prefix, or fault: { abort: { grpc_status: … } } beside a cluster
        --- redirects and answers need allow, too
        without: authentication
        routes:
          - { path: /a, redirect: { authority: acme.dev } }
          - { path: /b, respond: { body: ok } }
          - { path: /c, allow: anyone, respond: { body: ok } }
          - { cluster: orders, allow: anyone }
        >>> martlet.yaml:2:5: routes[0]: found no allow, so only authenticated callers may call, expected authentication in this file, or allow: anyone
        >>> martlet.yaml:3:5: routes[1]: found no allow, so only authenticated callers may call, expected authentication in this file, or allow: anyone
        --- rewrites past the rules of RPCs
        clusters:
          orders: { endpoints: [10.0.0.1:80] }
          users: { endpoints: [10.0.0.2:80] }
          web: { endpoints: [10.0.0.3:80], protocol: http1 }
        routes:
          - { path: /a.B/Get, cluster: orders, rewrite: { path: /a.C/Get } }
          - { path: /a.C/Put, cluster: users, rewrite: { path: /a.C/Get } }
          - { prefix: /v1, cluster: orders, rewrite: { prefix: / } }
          - { prefix: /v2, cluster: users, rewrite: { prefix: / } }
          - { prefix: /v3, cluster: users, rewrite: { prefix: /a.C } }
          - { prefix: /v4, cluster: users, rewrite: { prefix: /a.C/Get } }
          - { prefix: /v5, cluster: orders, rewrite: { prefix: /a.C/x/y } }
          - { prefix: /v6, cluster: orders, rewrite: { prefix: /a } }
          - { prefix: /v7, cluster: web, rewrite: { prefix: /a.C } }
          - { path: { regex: "^/r1/(.*)$" }, cluster: orders, rewrite: { path: "/$1" } }
          - { path: { regex: "^/r2/(.*)$" }, cluster: users, rewrite: { path: "/a.C/$1" } }
          - { path: { regex: "^/r3/(.*)$" }, cluster: orders, rewrite: { path: "/users/$1" } }
          - { path: { regex: "^/r4(.*)$" }, cluster: orders, rewrite: { path: "$1" } }
          - { path: /a.D/Get, cluster: orders, rewrite: { path: /a.D/Put } }
          - { path: /a.D/Put, cluster: orders, allow: { scopes: [put] } }
          - { path: /old, cluster: orders, rewrite: { path: /a.D/Put } }
          - { service: a.C, cluster: orders }
        >>> martlet.yaml:6:49:  routes[0].rewrite: leads to calls of routes[16] ("a.C"), whose rules and limits would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:7:48:  routes[1].rewrite: leads to calls of routes[16] ("a.C"), whose rules and limits would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:8:46:  routes[2].rewrite: leads to calls of routes[16] ("a.C"), whose rules and limits would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:8:46:  routes[2].rewrite: warning: leads to paths of routes[14] ("/a.D/Put"), whose rules would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:10:45: routes[4].rewrite: leads to calls of routes[16] ("a.C"), whose rules and limits would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:11:45: routes[5].rewrite: leads to calls of routes[16] ("a.C"), whose rules and limits would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:15:64: routes[9].rewrite: leads to calls of routes[16] ("a.C"), whose rules and limits would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:15:64: routes[9].rewrite: warning: leads to paths of routes[14] ("/a.D/Put"), whose rules would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:16:63: routes[10].rewrite: leads to calls of routes[16] ("a.C"), whose rules and limits would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:18:63: routes[12].rewrite: leads to calls of routes[16] ("a.C"), whose rules and limits would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:18:63: routes[12].rewrite: warning: leads to paths of routes[14] ("/a.D/Put"), whose rules would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:19:49: routes[13].rewrite: leads to calls of routes[14] ("/a.D/Put"), whose rules and limits would not apply: nothing is matched again behind a rewrite
        --- redirects that lead to themselves
        listeners: [{ address: 127.0.0.1:80 }, { address: 127.0.0.1:443, tls: { certificate: a.pem, private_key: a.key } }]
        routes:
          - { path: /a, redirect: { scheme: https, code: 308 } }
          - { path: /b, redirect: { path: /b } }
          - { prefix: /c, redirect: { prefix: /c/d } }
          - { prefix: /d, redirect: { prefix: /c } }
          - { authority: acme.dev, path: /e, redirect: { authority: acme.dev } }
          - { authority: "*.acme.dev", path: /e, redirect: { authority: www.acme.dev } }
          - { authority: acme.dev, path: /f, redirect: { authority: www.acme.dev } }
          - { authority: acme.dev, path: /g, redirect: { authority: "acme.dev:8443" } }
          - { path: /h, redirect: { authority: acme.dev } }
          - { path: /i, headers: { x-forwarded-proto: http }, redirect: { scheme: https } }
          - { path: { regex: "^/j.*$" }, redirect: { path: /jj } }
          - { path: /k, redirect: { path: "/k%{route}" } }
          - { path: /l/m, cluster: orders }
          - { path: /l/*, redirect: { path: /l/m } }
          - { prefix: /n, http_method: POST, redirect: { path: /n, code: 303 } }
          - { path: /p, redirect: { path: "%{request.path}" } }
          - { prefix: /q, redirect: { path: "/q%{request.path}" } }
          - { prefix: /r, redirect: { path: "/s%{request.path}" } }
          - { path: /s/s, cluster: orders }
          - { redirect: { path: /o } }
        >>> martlet.yaml:3:27:  routes[0].redirect: leads to itself: the route takes requests by https that follow it again, expected listeners: [127.0.0.1:80] beside it, or another authority or path
        >>> martlet.yaml:4:27:  routes[1].redirect: leads to itself: the route takes requests that follow it again, expected another authority or path
        >>> martlet.yaml:5:29:  routes[2].redirect: leads to itself: the route takes requests that follow it again, expected another authority or path
        >>> martlet.yaml:7:48:  routes[4].redirect: leads to itself: the route takes requests that follow it again, expected another authority or path
        >>> martlet.yaml:8:52:  routes[5].redirect: leads to itself: the route takes requests that follow it again, expected another authority or path
        >>> martlet.yaml:12:47: routes[9].headers.x-forwarded-proto: warning: found x-forwarded-proto, which is removed from every request, as trusted_proxies is empty: nothing matches. Expected listeners: [NAME], or the proxies that set it in trusted_proxies
        >>> martlet.yaml:13:44: routes[10].redirect: leads to itself: the route takes requests that follow it again, expected another authority or path
        >>> martlet.yaml:18:27: routes[15].redirect: leads to itself: the route takes requests that follow it again, expected another authority or path
        >>> martlet.yaml:19:29: routes[16].redirect: leads to itself: the route takes requests that follow it again, expected another authority or path
        >>> martlet.yaml:22:17: routes[19].redirect: leads to itself: the route takes requests that follow it again, expected another authority or path
        --- redirects of listeners
        listeners: [{ name: plain, address: 127.0.0.1:80 }, { name: public, address: 127.0.0.1:443, tls: { certificate: a.pem, private_key: a.key } }]
        routes:
          - { path: /a, redirect: { scheme: https } }
          - { listeners: [public], path: /b, redirect: { scheme: https } }
          - { listeners: [plain], path: /c, redirect: { scheme: https } }
          - { listeners: [public], path: /c, redirect: { scheme: http } }
          - { path: /d, redirect: { path: /e } }
          - { path: /e, redirect: { path: /f } }
          - { path: /f, redirect: { path: /d } }
          - { authority: acme.dev, path: /g, redirect: { authority: www.acme.dev } }
          - { authority: www.acme.dev, path: /g, redirect: { authority: acme.dev } }
          - { path: /h, headers: { cookie: "*" }, cluster: orders }
          - { path: /h, redirect: { path: /i } }
          - { path: /i, redirect: { path: /h } }
          - { prefix: /j, redirect: { prefix: /k } }
          - { prefix: /k, redirect: { prefix: /j } }
          - { path: /l, redirect: { authority: "acme.dev:443", scheme: https } }
          - { authority: acme.dev, path: /m, redirect: { authority: "acme.dev:443", scheme: https } }
          - { path: { regex: "/n[0-9]+" }, redirect: { code: 308, scheme: https } }
          - { listeners: [plain], redirect: { scheme: https, code: 308 } }
        >>> martlet.yaml:3:27:  routes[0].redirect: leads to itself: the route takes requests by https that follow it again, expected listeners: [plain] beside it, or another authority or path
        >>> martlet.yaml:4:48:  routes[1].redirect: leads to itself: the route takes requests by https that follow it again, expected another authority or path
        >>> martlet.yaml:5:47:  routes[2].redirect: leads back to itself by routes[3] ("/c-2"), expected one of them to lead elsewhere
        >>> martlet.yaml:7:27:  routes[4].redirect: leads back to itself by routes[5] ("/e") and routes[6] ("/f"), expected one of them to lead elsewhere
        >>> martlet.yaml:10:48: routes[7].redirect: leads back to itself by routes[8] ("/g-2"), expected one of them to lead elsewhere
        >>> martlet.yaml:15:29: routes[12].redirect: leads back to itself by routes[13] ("/k"), expected one of them to lead elsewhere
        >>> martlet.yaml:18:48: routes[15].redirect: leads to itself: the route takes requests by https that follow it again, expected listeners: [plain] beside it, or another authority or path
        >>> martlet.yaml:19:46: routes[16].redirect: leads to itself: the route takes requests by https that follow it again, expected listeners: [plain] beside it, or another authority or path
        --- a redirect to the scheme of no listener
        routes: [{ path: /a, redirect: { scheme: https } }, { cluster: orders }]
        """#)
}

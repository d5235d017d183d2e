extension WrongConfiguration {
    /// What users of other gateways write.
    static let habits = corpus(
        #"""
        --- keys as other gateways have them
        routes:
          - { path: /a, method: GET, cluster: orders, allow: anyone }
          - { path: /b, method: [GET, POST], cluster: orders, allow: anyone }
          - { path: /c, methods: [GET], cluster: orders, allow: anyone }
          - { service: a.B, method: { GetOrder: { timeout: 1s } }, cluster: orders, allow: anyone }
          - { path: /e, cluster: orders, allow: anyone, per_try_timeout: 1s }
        >>> martlet.yaml:2:17: routes[0].method: unknown key, expected http_method, which matches HTTP methods: methods are a service's
        >>> martlet.yaml:3:17: routes[1].method: unknown key, expected http_method, which matches HTTP methods: methods are a service's
        >>> martlet.yaml:4:26: routes[2].methods: found HTTP methods, expected them in http_method: methods are a service's
        >>> martlet.yaml:5:21: routes[3].method: unknown key; did you mean "methods"?
        >>> martlet.yaml:6:49: routes[4].per_try_timeout: unknown key, expected it in retry: without one there is a single attempt, whose time is timeout
        --- no time
        routes:
          - { path: /a, cluster: orders, allow: anyone, timeout: 0s, max_stream_duration: 0s, retry: { per_try_timeout: 0ms } }
          - { service: a.B, cluster: orders, allow: anyone, methods: { C: { timeout: 0s } } }
          - { path: /b, cluster: orders, allow: anyone, timeout: 5 }
        >>> martlet.yaml:2:58:  routes[0].timeout: found "0s", expected a duration such as 250ms or 5s, at least 1ms; leave it out for no timeout
        >>> martlet.yaml:2:83:  routes[0].max_stream_duration: found "0s", expected a duration such as 250ms or 5s, at least 1ms; leave it out for none
        >>> martlet.yaml:2:113: routes[0].retry.per_try_timeout: found "0ms", expected a duration such as 250ms or 5s, at least 1ms; leave it out for none
        >>> martlet.yaml:3:78:  routes[1].methods.C.timeout: found "0s", expected a duration such as 250ms or 5s, at least 1ms; leave it out for the route's
        >>> martlet.yaml:4:58:  routes[2].timeout: found "5", expected a duration such as 250ms or 5s, at least 1ms
        --- an allow that says nothing is told once
        routes:
          - { path: /a, cluster: orders, allow: any }
          - { path: /b, cluster: orders, allow: any, authentication: off }
        >>> martlet.yaml:2:41: routes[0].allow: found "any", expected anyone, authenticated, or a mapping such as { scopes: [orders.read] }
        >>> martlet.yaml:3:41: routes[1].allow: found "any", expected anyone, authenticated, or a mapping such as { scopes: [orders.read] }
        --- a path where a prefix is meant
        routes:
          - { path: /d/*, cluster: orders, allow: anyone, rewrite: { prefix: /x } }
          - { path: [/e, /f/g/*], redirect: { prefix: /x } , allow: anyone }
          - { path: /h, cluster: orders, allow: anyone, rewrite: { prefix: /x } }
        >>> martlet.yaml:2:70: routes[0].rewrite.prefix: found beside path: /d/*, expected the route's own as prefix: /d, which takes /d itself, too: this replaces what it matched
        >>> martlet.yaml:3:47: routes[1].redirect.prefix: found beside path: /f/g/*, expected the route's own as prefix: /f/g, which takes /f/g itself, too: this replaces what it matched
        >>> martlet.yaml:4:68: routes[2].rewrite.prefix: found without the route's own prefix, expected that beside it: this replaces what it matched
        --- cors by hand
        routes:
          - { path: /a, cluster: orders, allow: anyone, response_headers: { set: { Access-Control-Allow-Origin: "*" } } }
          - { path: /b, cluster: orders, allow: anyone, response_headers: { add: { access-control-allow-origin: "https://a.dev" } } }
          - { path: /c, cluster: orders, allow: anyone, response_headers: { set: { access-control-max-age: "5" }, remove: [access-control-allow-origin] } }
        >>> martlet.yaml:2:76: routes[0].response_headers.set.Access-Control-Allow-Origin: warning: found "access-control-allow-origin", expected cors on the route: this lets pages of other origins read responses, and leaves preflights to the backend
        >>> martlet.yaml:3:76: routes[1].response_headers.add.access-control-allow-origin: warning: found "access-control-allow-origin", expected cors on the route: this lets pages of other origins read responses, and leaves preflights to the backend
        --- native gRPC before HTTP/1.1
        clusters: { web: { endpoints: [10.0.0.1:80], protocol: http1 }, orders: { endpoints: [10.0.0.1:81] } }
        routes:
          - { service: acme.v1.Orders, cluster: web, allow: anyone }
          - { service: acme.v1.Users, cluster: web, allow: anyone, protocols: [grpc-web, connect] }
          - { service: acme.v1.Bills, cluster: orders, allow: anyone }
        >>> martlet.yaml:3:16: routes[0].service: warning: found before cluster "web", which speaks http1: native gRPC is refused with UNIMPLEMENTED, and gRPC-Web, Connect and JSON are passed on as they are. Expected a cluster that speaks http2, or protocols without grpc
        """#)
}

extension WrongConfiguration {
    static let routes = corpus(
        #"""
        --- pages of origins that are none
        routes: [{ cluster: orders, allow: anyone, cors: { origins: [app.acme.dev, "https://a/", "https://A", "https://a:443", "*"], credentials: true, headers: [X-A] } }]
        >>> martlet.yaml:1:62:  routes[0].cors.origins[0]: found "app.acme.dev", expected an origin such as https://app.acme.dev, https://*.acme.dev or *
        >>> martlet.yaml:1:76:  routes[0].cors.origins[1]: found "https://a/", expected an origin such as https://app.acme.dev, https://*.acme.dev or *; an origin has no path, nor a slash at its end
        >>> martlet.yaml:1:90:  routes[0].cors.origins[2]: found "https://A", expected an origin such as https://app.acme.dev, https://*.acme.dev or *; browsers send origins in lower case
        >>> martlet.yaml:1:103: routes[0].cors.origins[3]: found "https://a:443", expected an origin such as https://app.acme.dev, https://*.acme.dev or *; browsers leave out the default port
        >>> martlet.yaml:1:139: routes[0].cors.credentials: found beside an origin of "*", expected origins by name: any page at all could act for its visitors
        >>> martlet.yaml:1:155: routes[0].cors.headers[0]: found "X-A", expected a header's name in lower case, such as x-version
        --- no route
        routes: []
        >>> martlet.yaml:1:9: routes: found an empty list, expected a list of routes, each a mapping with cluster
        --- a route to nowhere
        routes: [{ service: a.B }]
        >>> martlet.yaml:1:10: routes[0]: the key "cluster" is missing, expected the name of a cluster
        --- a route to a cluster that does not exist
        clusters: { orders: { endpoints: [10.0.0.1:80] } }
        routes: [{ path: /a, cluster: ordres }, { path: /b, cluster: invoices }]
        >>> martlet.yaml:2:31: routes[0].cluster: found "ordres", expected the name of a cluster; did you mean "orders"?
        >>> martlet.yaml:2:62: routes[1].cluster: found "invoices", expected the name of a cluster
        --- no second mistake about a cluster that could not be read
        clusters: { orders: { endpoints: nowhere } }
        >>> martlet.yaml:1:34: clusters.orders.endpoints: found "nowhere", expected a list, each an address such as 10.0.0.11:50051, "[::1]:50051", orders.internal:50051 or unix:/run/orders.sock
        --- a route behind one that takes everything
        routes:
          - { cluster: orders }
          - { name: late, service: a.B, cluster: orders }
        >>> martlet.yaml:3:5: routes[1]: never reached: routes[0] ("default") takes every request that fits it
        --- routes behind wider ones
        routes:
          - { authority: "*.acme.dev", path: /v1/*, cluster: orders }
          - { authority: api.acme.dev, path: /v1/orders, cluster: orders }
          - { service: a.B, headers: { x-a: "*" }, cluster: orders }
          - { service: a.B, headers: { x-a: "1", x-b: "2" }, cluster: orders }
          - { service: a.B, headers: { x-b: "2" }, cluster: orders }
        >>> martlet.yaml:3:5: routes[1]: never reached: routes[0] ("/v1/*") takes every request that fits it
        >>> martlet.yaml:5:5: routes[3]: never reached: routes[2] ("a.B") takes every request that fits it
        --- two routes with one name
        routes:
          - { name: a, path: /a, cluster: orders }
          - { name: a, path: /b, cluster: orders }
        >>> martlet.yaml:3:13: routes[1].name: found "a", which an earlier route has, expected a name of its own
        --- authorities, services and paths that are none
        routes:
          - { authority: "api.acme.dev:443", cluster: orders }
          - { authority: "*", cluster: orders }
          - { service: /a.B, cluster: orders }
          - { path: v1/orders, cluster: orders }
          - { path: /v1/*/orders, cluster: orders }
          - { path: /v1/../orders, cluster: orders }
        >>> martlet.yaml:2:18: routes[0].authority: found "api.acme.dev:443", expected a host name without a port: authorities are compared without it
        >>> martlet.yaml:3:18: routes[1].authority: found "*", expected a host name such as api.acme.dev, or *.acme.dev
        >>> martlet.yaml:4:16: routes[2].service: found "/a.B", expected a gRPC service's full name such as acme.orders.v1.Orders
        >>> martlet.yaml:5:13: routes[3].path: found "v1/orders", expected a path that begins with / and has no query, such as /v1/orders or /v1/*
        >>> martlet.yaml:6:13: routes[4].path: found "/v1/*/orders", expected a * only as the last segment, as in /v1/*
        >>> martlet.yaml:7:13: routes[5].path: found "/v1/../orders", expected a path without . and .. segments, which is always refused
        --- a service and a path
        routes: [{ service: a.B, path: /a, cluster: orders }]
        >>> martlet.yaml:1:32: routes[0].path: found beside "service", expected only one of the two
        --- headers that cannot be asked about
        routes:
          - { headers: { ":path": a }, cluster: orders }
          - { headers: { Host: a }, cluster: orders }
          - { headers: { x-a: " a" }, cluster: orders }
          - { headers: { "x a": a }, cluster: orders }
          - { headers: {}, cluster: orders }
          - { headers: { x-a: "1", X-A: "2" }, cluster: orders }
        >>> martlet.yaml:2:18: routes[0].headers[":path"]: found ":path", expected a header; authority and path have keys of their own
        >>> martlet.yaml:3:18: routes[1].headers.Host: found "Host", expected a header; authority and path have keys of their own
        >>> martlet.yaml:4:23: routes[2].headers.x-a: found " a", expected visible ASCII without spaces at its ends, or "*" for any value
        >>> martlet.yaml:5:18: routes[3].headers["x a"]: found "x a", expected a header name: letters, digits and !#$%&'*+-.^_`|~
        >>> martlet.yaml:6:16: routes[4].headers: found an empty mapping, expected a mapping of header names to values, such as { x-version: "2" }; "*" for any value
        >>> martlet.yaml:7:28: routes[5].headers.X-A: found "x-a" twice, expected each header once
        --- methods without a service, methods of another shape
        routes:
          - { path: /a, cluster: orders, methods: { Get: {} } }
          - { service: a.B, cluster: orders, methods: { a.B/Get: {}, Put: allow } }
        >>> martlet.yaml:2:43: routes[0].methods: found without service, expected beside it: methods are a service's
        >>> martlet.yaml:3:49: routes[1].methods["a.B/Get"]: found "a.B/Get", expected a method's name such as CreateOrder
        >>> martlet.yaml:3:67: routes[1].methods.Put: found "allow", expected a mapping
        --- timeouts
        routes: [{ cluster: orders, timeout: 5 parsecs }]
        >>> martlet.yaml:1:38: routes[0].timeout: found "5 parsecs", expected a duration such as 250ms or 5s, at least 1ms
        --- a timeout of zero
        routes: [{ cluster: orders, timeout: 0s }]
        >>> martlet.yaml:1:38: routes[0].timeout: found "0s", expected a duration such as 250ms or 5s, at least 1ms
        --- how JSON is written, and what callers speak
        routes: [{ cluster: orders, json: { names: protos, enum: numbers }, protocols: [grpcweb, rest] }]
        >>> martlet.yaml:1:44: routes[0].json.names: found "protos", expected json or proto; did you mean "proto"?
        >>> martlet.yaml:1:52: routes[0].json.enum: unknown key; did you mean "enums"?
        >>> martlet.yaml:1:81: routes[0].protocols[0]: found "grpcweb", expected grpc, grpc-web, connect or rest; did you mean "grpc-web"?
        --- keys of features that are not there yet
        routes: [{ cluster: orders, rewrite: x }]
        >>> martlet.yaml:1:29: routes[0].rewrite: unknown key, expected authority, service, path, headers, name, cluster, clusters, sticky, mirror, fault, timeout, allow, deny, limits, expose, priority, retry, max_stream_duration, methods, cors, json or protocols
        """#)
}

extension WrongConfiguration {
    static let headerChanges = corpus(
        #"""
        --- header changes of another shape
        routes:
          - { path: /a, cluster: orders, request_headers: {} }
          - { path: /b, cluster: orders, request_headers: [x-a] }
          - { path: /c, cluster: orders, request_headers: { sett: { x-a: b } } }
          - { path: /d, cluster: orders, request_headers: { set: x-a } }
          - { path: /e, cluster: orders, request_headers: { remove: { x-a: b } } }
          - { path: /f, cluster: orders, response_headers: { set: { x-a: [b] }, remove: "x a" } }
        >>> martlet.yaml:2:51: routes[0].request_headers: found none of only, set, add and remove, expected at least one
        >>> martlet.yaml:3:51: routes[1].request_headers: found a list, expected a mapping with only, set, add or remove
        >>> martlet.yaml:4:53: routes[2].request_headers.sett: unknown key; did you mean "set"?
        >>> martlet.yaml:5:58: routes[3].request_headers.set: found "x-a", expected a mapping of header names to values, such as { x-real-ip: "%{client.address}" }
        >>> martlet.yaml:6:61: routes[4].request_headers.remove: found a mapping, expected a list, each a header's name such as x-debug
        >>> martlet.yaml:7:66: routes[5].response_headers.set.x-a: found a list, expected a text, with %{name} for a variable of the call
        >>> martlet.yaml:7:81: routes[5].response_headers.remove: found "x a", expected a header name: letters, digits and !#$%&'*+-.^_`|~
        --- names that no list lets pass
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json, forward_token: true }] }
        routes:
          - { path: /a, cluster: orders, request_headers: { only: { x-a: b } } }
          - { path: /b, cluster: orders, request_headers: { only: [authorization, Host, ":path", "*", "*-id", "x a", te, Connection, ""] } }
          - { path: /c, cluster: orders, request_headers: { only: [authorization, x-a, x-*, X-A, x-a-*, X-*] } }
          - { path: /d, cluster: orders, request_headers: { only: [accept, content-type, x-*] }, response_headers: { only: [] } }
          - { path: /e, cluster: orders, authentication: off, allow: anyone, request_headers: { only: accept } }
          - { path: /f, cluster: orders, response_headers: { only: [etag, x-*], set: { x-b: "%{response.header.server}%{response.header.x-c}" } } }
        >>> martlet.yaml:3:59:  routes[0].request_headers.only: found a mapping, expected a list, each a name such as accept or x-*
        >>> martlet.yaml:4:75:  routes[1].request_headers.only[1]: found "Host", expected another header: this one is always sent
        >>> martlet.yaml:4:81:  routes[1].request_headers.only[2]: found ":path", expected another header: this one is always sent
        >>> martlet.yaml:4:90:  routes[1].request_headers.only[3]: found "*", expected names, or beginnings of names such as accept or x-*: * alone would be all
        >>> martlet.yaml:4:95:  routes[1].request_headers.only[4]: found "*-id", expected a * at the end of a name only
        >>> martlet.yaml:4:103: routes[1].request_headers.only[5]: found "x a", expected a header name: letters, digits and !#$%&'*+-.^_`|~
        >>> martlet.yaml:4:110: routes[1].request_headers.only[6]: found "te", expected a header that is not hop-by-hop: those go no further
        >>> martlet.yaml:4:114: routes[1].request_headers.only[7]: found "Connection", expected a header that is not hop-by-hop: those go no further
        >>> martlet.yaml:4:126: routes[1].request_headers.only[8]: found "", expected a header name: letters, digits and !#$%&'*+-.^_`|~
        >>> martlet.yaml:5:75:  routes[2].request_headers.only[1]: found "x-a" beside "x-*", which takes all of it, expected only one of them
        >>> martlet.yaml:5:85:  routes[2].request_headers.only[3]: found "x-a" twice, expected it once
        >>> martlet.yaml:5:90:  routes[2].request_headers.only[4]: found "x-a-*" beside "x-*", which takes all of it, expected only one of them
        >>> martlet.yaml:5:97:  routes[2].request_headers.only[5]: found "x-*" twice, expected it once
        >>> martlet.yaml:6:59:  routes[3].request_headers.only: warning: found only without authorization, though issuer "i" has forward_token: true: upstreams get no token
        >>> martlet.yaml:8:85:  routes[5].response_headers.set.x-b: found %{response.header.server}, expected the header in only too: responses are without it otherwise
        --- query parameters that no list lets pass
        routes:
          - { path: /a, cluster: orders, request_query: [page] }
          - { path: /b, cluster: orders, request_query: {} }
          - { path: /c, cluster: orders, request_query: { only: [page, "a=b", "a&b", "?a", "de%62ug", "*", "", 100%, page] } }
          - { path: /d, cluster: orders, request_query: { set: { a: b } } }
          - { path: /e, redirect: { scheme: https }, request_query: { remove: debug } }
          - { path: /f, protocols: [grpc], cluster: orders, request_query: { remove: [debug] } }
          - { service: f.F, cluster: orders, request_query: { remove: [utm_*, utm_id] } }
        >>> martlet.yaml:2:49:  routes[0].request_query: found a list, expected a mapping with only or remove
        >>> martlet.yaml:3:49:  routes[1].request_query: found none of only and remove, expected at least one
        >>> martlet.yaml:4:64:  routes[2].request_query.only[1]: found "a=b", expected the name of a parameter alone, such as page
        >>> martlet.yaml:4:71:  routes[2].request_query.only[2]: found "a&b", expected the name of a parameter alone, such as page
        >>> martlet.yaml:4:78:  routes[2].request_query.only[3]: found "?a", expected the name of a parameter alone, such as page
        >>> martlet.yaml:4:84:  routes[2].request_query.only[4]: found "de%62ug", expected the name as it reads, without percent-encoding: escapes of requests are decoded
        >>> martlet.yaml:4:95:  routes[2].request_query.only[5]: found "*", expected names, or beginnings of names such as page or utm_*: * alone would be all
        >>> martlet.yaml:4:100: routes[2].request_query.only[6]: found "", expected the name of a parameter
        >>> martlet.yaml:4:110: routes[2].request_query.only[8]: found "page" twice, expected it once
        >>> martlet.yaml:5:51:  routes[3].request_query.set: unknown key, expected only or remove
        >>> martlet.yaml:6:61:  routes[4].request_query: found beside "redirect", expected beside a cluster: nothing is sent upstream
        >>> martlet.yaml:7:68:  routes[5].request_query: never applies: no call by its protocols has a query
        >>> martlet.yaml:8:53:  routes[6].request_query: never applies: without a schema of its cluster, no call of a service has a query
        >>> martlet.yaml:8:71:  routes[6].request_query.remove[1]: found "utm_id" beside "utm_*", which takes all of it, expected only one of them
        --- headers that cannot be changed in requests
        routes:
          - cluster: orders
            request_headers:
              set: { Host: a, ":path": a, connection: a, TE: a, content-type: a, content_length: "1" }
              add: { grpc-timeout: 1S, connect-timeout-ms: "1", x-request-id: a, x_forwarded_for: a, expect: a, x-trace-bin: a, "": a }
              remove: [Transfer-Encoding, trailer, grpc-encoding, x-forwarded-proto, content-encoding, x-trace-bin]
        >>> martlet.yaml:4:14:  routes[0].request_headers.set.Host: found "Host", expected a header; path and authority are changed by rewrite
        >>> martlet.yaml:4:23:  routes[0].request_headers.set[":path"]: found ":path", expected a header; path and authority are changed by rewrite
        >>> martlet.yaml:4:35:  routes[0].request_headers.set.connection: found "connection", expected a header that is not hop-by-hop: the gateway writes those for each connection
        >>> martlet.yaml:4:50:  routes[0].request_headers.set.TE: found "TE", expected a header that is not hop-by-hop: the gateway writes those for each connection
        >>> martlet.yaml:4:57:  routes[0].request_headers.set.content-type: found "content-type", expected a header that does not describe the body: gRPC and converted bodies depend on it
        >>> martlet.yaml:4:74:  routes[0].request_headers.set.content_length: found "content_length", expected a header that does not describe the body: gRPC and converted bodies depend on it
        >>> martlet.yaml:5:14:  routes[0].request_headers.add.grpc-timeout: found "grpc-timeout", expected a header that is not gRPC's or Connect's own
        >>> martlet.yaml:5:32:  routes[0].request_headers.add.connect-timeout-ms: found "connect-timeout-ms", expected a header that is not gRPC's or Connect's own
        >>> martlet.yaml:5:57:  routes[0].request_headers.add.x-request-id: found "x-request-id", expected a header that the gateway does not set itself
        >>> martlet.yaml:5:74:  routes[0].request_headers.add.x_forwarded_for: found "x_forwarded_for", expected a header that the gateway does not set itself
        >>> martlet.yaml:5:94:  routes[0].request_headers.add.expect: found "expect", expected a header other than expect, which is the connection's
        >>> martlet.yaml:5:105: routes[0].request_headers.add.x-trace-bin: found "x-trace-bin", expected a header without -bin: gRPC takes such values for base64
        >>> martlet.yaml:5:121: routes[0].request_headers.add[""]: found "", expected a header name: letters, digits and !#$%&'*+-.^_`|~
        >>> martlet.yaml:6:16:  routes[0].request_headers.remove[0]: found "Transfer-Encoding", expected a header that is not hop-by-hop: the gateway writes those for each connection
        >>> martlet.yaml:6:35:  routes[0].request_headers.remove[1]: found "trailer", expected a header that is not hop-by-hop: the gateway writes those for each connection
        >>> martlet.yaml:6:44:  routes[0].request_headers.remove[2]: found "grpc-encoding", expected a header that is not gRPC's or Connect's own
        >>> martlet.yaml:6:59:  routes[0].request_headers.remove[3]: found "x-forwarded-proto", expected a header that the gateway does not set itself
        >>> martlet.yaml:6:78:  routes[0].request_headers.remove[4]: found "content-encoding", expected a header that does not describe the body: gRPC and converted bodies depend on it
        --- headers that cannot be changed in responses
        routes:
          - cluster: orders
            response_headers:
              set: { host: a, ":status": a, Keep-Alive: a, content-length: "1", grpc-status: "0", x-request-id: "%{request.id}" }
              remove: [grpc-message, content_type, upgrade, server]
        >>> martlet.yaml:4:14: routes[0].response_headers.set.host: found "host", expected a header of responses
        >>> martlet.yaml:4:23: routes[0].response_headers.set[":status"]: found ":status", expected a header of responses
        >>> martlet.yaml:4:37: routes[0].response_headers.set.Keep-Alive: found "Keep-Alive", expected a header that is not hop-by-hop: the gateway writes those for each connection
        >>> martlet.yaml:4:52: routes[0].response_headers.set.content-length: found "content-length", expected a header that does not describe the body: gRPC and converted bodies depend on it
        >>> martlet.yaml:4:73: routes[0].response_headers.set.grpc-status: found "grpc-status", expected a header that is not gRPC's or Connect's own
        >>> martlet.yaml:5:16: routes[0].response_headers.remove[0]: found "grpc-message", expected a header that is not gRPC's or Connect's own
        >>> martlet.yaml:5:30: routes[0].response_headers.remove[1]: found "content_type", expected a header that does not describe the body: gRPC and converted bodies depend on it
        >>> martlet.yaml:5:44: routes[0].response_headers.remove[2]: found "upgrade", expected a header that is not hop-by-hop: the gateway writes those for each connection
        --- one header twice
        routes:
          - { path: /a, cluster: orders, request_headers: { set: { x-a: "1", X-A: "2" } } }
          - { path: /b, cluster: orders, request_headers: { set: { x-a: "1" }, add: { x-A: "2" } } }
          - { path: /c, cluster: orders, response_headers: { set: { x-a: "1" }, remove: [x-b, X-B, x-a] } }
        >>> martlet.yaml:2:70: routes[0].request_headers.set.X-A: found "x-a" twice, expected each header once in set, add and remove together
        >>> martlet.yaml:3:79: routes[1].request_headers.add.x-A: found "x-a" twice, expected each header once in set, add and remove together
        >>> martlet.yaml:4:87: routes[2].response_headers.remove[1]: found "x-b" twice, expected each header once in set, add and remove together
        >>> martlet.yaml:4:92: routes[2].response_headers.remove[2]: found "x-a" twice, expected each header once in set, add and remove together
        --- values that are none
        routes:
          - { path: /a, cluster: orders, request_headers: { set: { x-a: "", x-b: " a", x-c: "a ", x-d: "ä", x-e: "a\nb" } } }
          - { path: /b, cluster: orders, request_headers: { set: { x-a: "%{route|ä}", x-b: " %{route}" } } }
          - { path: /c, cluster: orders, request_headers: { set: { x-a: 50%, x-b: "%{route", x-c: "%{route|%{cluster}}" } } }
          - { path: /d, cluster: orders, request_headers: { set: { x-a: "%{reqest.id}", x-b: "%{tenant}", x-c: "%{request.header.}" } } }
          - { path: /e, cluster: orders, request_headers: { set: { x-a: "%{request.header.host}", x-b: "%{claim.a b}", x-c: "%{request.header.x a}" } } }
        >>> martlet.yaml:2:65:  routes[0].request_headers.set.x-a: found "", expected a value; remove: [name] takes a header away
        >>> martlet.yaml:2:74:  routes[0].request_headers.set.x-b: found " a", expected visible ASCII without spaces at its ends
        >>> martlet.yaml:2:85:  routes[0].request_headers.set.x-c: found "a ", expected visible ASCII without spaces at its ends
        >>> martlet.yaml:2:96:  routes[0].request_headers.set.x-d: found "ä", expected visible ASCII without spaces at its ends
        >>> martlet.yaml:2:106: routes[0].request_headers.set.x-e: found "a\nb", expected visible ASCII without spaces at its ends
        >>> martlet.yaml:3:65:  routes[1].request_headers.set.x-a: found "%{route|ä}", expected visible ASCII without spaces at its ends
        >>> martlet.yaml:3:84:  routes[1].request_headers.set.x-b: found " %{route}", expected visible ASCII without spaces at its ends
        >>> martlet.yaml:4:65:  routes[2].request_headers.set.x-a: found "50%", expected %% for a percent sign, or %{name} for a variable of the call
        >>> martlet.yaml:4:75:  routes[2].request_headers.set.x-b: found "%{route", expected a } behind the name of each %{ variable
        >>> martlet.yaml:4:91:  routes[2].request_headers.set.x-c: found "%{route|%{cluster}}", expected a text without variables behind the | of a variable
        >>> martlet.yaml:5:65:  routes[3].request_headers.set.x-a: found "%{reqest.id}", expected a variable of the call such as %{request.id}; did you mean "request.id"?
        >>> martlet.yaml:5:86:  routes[3].request_headers.set.x-b: found "%{tenant}", expected a variable of the call such as %{request.id}
        >>> martlet.yaml:5:104: routes[3].request_headers.set.x-c: found "%{request.header.}", expected a name behind "request.header."
        >>> martlet.yaml:6:65:  routes[4].request_headers.set.x-a: found "%{request.header.host}", expected %{request.authority}: not every request has this header
        >>> martlet.yaml:6:96:  routes[4].request_headers.set.x-b: found "%{claim.a b}", expected a claim such as %{claim.tenant} or %{claim.realm.tenant}
        >>> martlet.yaml:6:117: routes[4].request_headers.set.x-c: found "%{request.header.x a}", expected a header name: letters, digits and !#$%&'*+-.^_`|~
        --- variables of the answer in requests, credentials in responses
        routes:
          - cluster: orders
            request_headers: { set: { x-a: "%{endpoint}", x-b: "%{response.status|200}", x-c: "%{response.header.etag}", x-d: "%{cluster}" } }
            response_headers: { add: { x-a: "%{request.header.Cookie}", x-b: "%{request.header.authorization|}", x-c: "%{endpoint} %{response.grpc_status}" } }
        >>> martlet.yaml:3:36: routes[0].request_headers.set.x-a: found "%{endpoint}", expected variables of the request: %{endpoint} is not known before there is an answer
        >>> martlet.yaml:3:56: routes[0].request_headers.set.x-b: found "%{response.status|200}", expected variables of the request: %{response.status} is not known before there is an answer
        >>> martlet.yaml:3:87: routes[0].request_headers.set.x-c: found "%{response.header.etag}", expected variables of the request: %{response.header.etag} is not known before there is an answer
        >>> martlet.yaml:4:37: routes[0].response_headers.add.x-a: found "%{request.header.Cookie}", expected no credential of the caller: response headers are read by scripts, caches and logs that never see the request's
        >>> martlet.yaml:4:70: routes[0].response_headers.add.x-b: found "%{request.header.authorization|}", expected no credential of the caller: response headers are read by scripts, caches and logs that never see the request's
        --- headers that say who calls, by what the caller says
        listeners: [{ address: 127.0.0.1:80, trusted_headers: [x-zone] }]
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json, forward_claims: { x-tenant: tenant } }], tenant: claim tenant }
        routes:
          - path: /a
            cluster: orders
            request_headers:
              set: { x_tenant: "%{request.header.x-team}", X-Zone: "%{request.query.zone|here}", x-real-ip: "a %{rpc.method}", x-forwarded-host: "%{request.authority}" }
              add: { X-Tenant: acme }
          - path: /b
            cluster: orders
            request_headers:
              set: { x-tenant: "%{identity.tenant|none}", x-zone: here, x-real-ip: "%{client.address}", x-original-url: "%{request.scheme}" }
              add: { x-envoy-a: "%{claim.a}" }
            response_headers: { set: { x-tenant: "%{request.header.x-team}" } }
          - { path: /c, cluster: orders, request_headers: { remove: [x-tenant, x-zone] } }
        >>> martlet.yaml:1:55:  listeners[0].trusted_headers: warning: found without trusted_proxies: nobody may set these headers, and they are removed from every request
        >>> martlet.yaml:7:24:  routes[0].request_headers.set.x_tenant: found "x_tenant" with %{request.header.x-team}, which the caller decides, expected a constant or variables of the identity or the connection: forward_claims says with it who calls
        >>> martlet.yaml:7:60:  routes[0].request_headers.set.X-Zone: found "X-Zone" with %{request.query.zone}, which the caller decides, expected a constant or variables of the identity or the connection: only trusted peers may set it
        >>> martlet.yaml:7:101: routes[0].request_headers.set.x-real-ip: found "x-real-ip" with %{rpc.method}, which the caller decides, expected a constant or variables of the identity or the connection: only trusted peers may set it
        >>> martlet.yaml:7:138: routes[0].request_headers.set.x-forwarded-host: found "x-forwarded-host" with %{request.authority}, which the caller decides, expected a constant or variables of the identity or the connection: only trusted peers may set it
        >>> martlet.yaml:8:14:  routes[0].request_headers.add.X-Tenant: found "X-Tenant", which forward_claims sends, expected it in set: upstreams differ in which of two they read
        --- methods change headers, too
        routes:
          - service: a.B
            cluster: orders
            methods:
              Get: { request_headers: { set: { x-real-ip: "%{request.path}", te: a } } }
              Put: { response_headers: { set: { x-a: "%{request.header.cookie}" } }, request_header: {} }
        >>> martlet.yaml:5:51: routes[0].methods.Get.request_headers.set.x-real-ip: found "x-real-ip" with %{request.path}, which the caller decides, expected a constant or variables of the identity or the connection: only trusted peers may set it
        >>> martlet.yaml:5:70: routes[0].methods.Get.request_headers.set.te: found "te", expected a header that is not hop-by-hop: the gateway writes those for each connection
        >>> martlet.yaml:6:46: routes[0].methods.Put.response_headers.set.x-a: found "%{request.header.cookie}", expected no credential of the caller: response headers are read by scripts, caches and logs that never see the request's
        >>> martlet.yaml:6:78: routes[0].methods.Put.request_header: unknown key; did you mean "request_headers"?
        --- what pages of other origins may read, twice
        routes:
          - service: a.B
            cluster: orders
            cors: { origins: ["*"] }
            response_headers: { set: { access-control-allow-origin: "*" }, remove: [vary, Access-Control-Max-Age] }
            methods: { Get: { response_headers: { add: { access-control-expose-headers: x-a }, remove: access-control-allow-origin } } }
          - { path: /a, cluster: orders, response_headers: { set: { access-control-allow-origin: "*" } } }
        >>> martlet.yaml:5:32: routes[0].response_headers.set.access-control-allow-origin: found "access-control-allow-origin" on a route with cors, expected another header: cors alone decides which origins may read responses
        >>> martlet.yaml:5:83: routes[0].response_headers.remove[1]: found "access-control-max-age" on a route with cors, expected another header: cors alone decides which origins may read responses
        >>> martlet.yaml:6:50: routes[0].methods.Get.response_headers.add.access-control-expose-headers: found "access-control-expose-headers" on a route with cors, expected another header: cors alone decides which origins may read responses
        >>> martlet.yaml:6:96: routes[0].methods.Get.response_headers.remove: found "access-control-allow-origin" on a route with cors, expected another header: cors alone decides which origins may read responses
        >>> martlet.yaml:7:61: routes[1].response_headers.set.access-control-allow-origin: warning: found "access-control-allow-origin", expected cors on the route: this lets pages of other origins read responses, and leaves preflights to the backend
        --- variables that no call has
        without: authentication
        routes:
          - cluster: orders
            allow: anyone
            request_headers: { set: { x-a: "%{identity.subject}", x-b: "%{identity.tenant|}", x-c: "%{claim.a}", x-d: "%{client.certificate.uri}" } }
            response_headers: { set: { x-a: "%{identity.plan}" } }
        >>> martlet.yaml:4:36:  routes[0].request_headers.set.x-a: found %{identity.subject}, expected authentication to say whose tokens are believed: no caller has an identity
        >>> martlet.yaml:4:64:  routes[0].request_headers.set.x-b: found %{identity.tenant}, expected authentication to say whose tokens are believed: no caller has an identity
        >>> martlet.yaml:4:92:  routes[0].request_headers.set.x-c: found %{claim.a}, expected authentication to say whose tokens are believed: no caller has an identity
        >>> martlet.yaml:4:111: routes[0].request_headers.set.x-d: found %{client.certificate.uri}, expected client_ca at a listener: no client is asked for a certificate
        >>> martlet.yaml:5:37:  routes[0].response_headers.set.x-a: found %{identity.plan}, expected authentication to say whose tokens are believed: no caller has an identity
        --- a tenant and a plan that no token names
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json }] }
        routes:
          - { cluster: orders, request_headers: { set: { x-a: "%{identity.tenant}", x-b: "%{identity.plan}", x-c: "%{identity.issuer}" } } }
        >>> martlet.yaml:3:55: routes[0].request_headers.set.x-a: found %{identity.tenant}, expected authentication.tenant to say what a tenant is
        >>> martlet.yaml:3:82: routes[0].request_headers.set.x-b: found %{identity.plan}, expected authentication.plan to say what a plan is
        --- clusters that no call goes to
        routes:
          - { path: /a, respond: { body: ok }, response_headers: { set: { x-a: "%{cluster}", x-b: "%{response.status}" } } }
          - { path: /b, cluster: orders }
        >>> martlet.yaml:2:72: routes[0].response_headers.set.x-a: found %{cluster}, expected it on a route with a cluster: no upstream has these calls
        """#)
}

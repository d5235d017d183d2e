extension WrongConfiguration {
    static let traffic = corpus(
        #"""
        --- clusters by weight: unknown ones, none, weights of zero, and what is no weight
        clusters: { a: { endpoints: [10.0.0.1:80] }, b: { endpoints: [10.0.0.2:80] } }
        routes:
          - { path: /a, clusters: { a: 1, c: 2 } }
          - { path: /b, clusters: { a: 0, b: 0 } }
          - { path: /c, clusters: {} }
          - { path: /d, clusters: { a: -1, b: many } }
          - { path: /e, clusters: [a, b] }
          - { path: /f, clusters: { a: 1 }, cluster: b }
        >>> martlet.yaml:3:35: routes[0].clusters.c: found "c", expected the name of a cluster
        >>> martlet.yaml:4:27: routes[1].clusters: found weights of zero only, expected at least one above zero
        >>> martlet.yaml:5:27: routes[2].clusters: found an empty mapping, expected a mapping of clusters to their weights, such as { stable: 90, canary: 10 }
        >>> martlet.yaml:6:32: routes[3].clusters.a: found "-1", expected a whole number from 0 to 1000000
        >>> martlet.yaml:6:39: routes[3].clusters.b: found "many", expected a whole number from 0 to 1000000
        >>> martlet.yaml:7:27: routes[4].clusters: found a list, expected a mapping of clusters to their weights, such as { stable: 90, canary: 10 }
        >>> martlet.yaml:8:27: routes[5].clusters: found beside "cluster", expected only one of the two
        --- what is to stick and does not
        without: authentication
        clusters: { a: { endpoints: [10.0.0.1:80] }, b: { endpoints: [10.0.0.2:80] } }
        routes:
          - { path: /a, allow: anyone, cluster: a, sticky: [address] }
          - { path: /b, allow: anyone, clusters: { a: 1, b: 1 }, sticky: [claim sub, tenant, header] }
          - { path: /c, allow: anyone, clusters: { a: 1, b: 1 }, sticky: address }
        >>> martlet.yaml:3:52: routes[0].sticky: found without clusters, expected beside them: there is nothing to choose from
        >>> martlet.yaml:4:67: routes[1].sticky[0]: found "claim sub", expected authentication to say whose tokens are believed: no caller has a claim
        >>> martlet.yaml:4:78: routes[1].sticky[1]: found "tenant", expected authentication to say whose tokens are believed: no caller has a claim
        >>> martlet.yaml:4:86: routes[1].sticky[2]: found "header", expected a source: header H, claim P, tenant, cookie C or address
        --- clusters that speak differently
        clusters: { a: { endpoints: [10.0.0.1:80] }, b: { endpoints: [10.0.0.2:80], protocol: http1 } }
        routes: [{ path: /a, clusters: { a: 1, b: 1 } }, { path: /b, cluster: a, mirror: { cluster: b } }]
        >>> martlet.yaml:2:40: routes[0].clusters.b: found "b", which speaks http1, expected a cluster that speaks http2 as "a" does
        >>> martlet.yaml:2:93: routes[1].mirror.cluster: found "b", which speaks http1, expected a cluster that speaks http2 as "a" does
        --- mirrors
        routes:
          - { path: /a, cluster: orders, mirror: { cluster: ordrs, fraction: 10 } }
          - { path: /b, cluster: orders, mirror: { fraction: 101% } }
          - { path: /c, cluster: orders, mirror: { cluster: orders, fraction: 0.00001% } }
        >>> martlet.yaml:2:53: routes[0].mirror.cluster: found "ordrs", expected the name of a cluster; did you mean "orders"?
        >>> martlet.yaml:2:70: routes[0].mirror.fraction: found "10", expected a percentage such as 10% or 0.1%
        >>> martlet.yaml:3:42: routes[1].mirror: the key "cluster" is missing, expected the name of a cluster
        >>> martlet.yaml:3:54: routes[1].mirror.fraction: found "101%", expected a percentage such as 10% or 0.1%
        >>> martlet.yaml:4:53: routes[2].mirror.cluster: warning: found "orders", which the route leads to itself: it gets those calls twice
        >>> martlet.yaml:4:71: routes[2].mirror.fraction: found "0.00001%", expected a percentage such as 10% or 0.1%
        --- faults that headers ask for
        routes:
          - { path: /a, cluster: orders, fault: { delay: { header: true }, abort: { header: true } } }
          - { path: /b, cluster: orders, fault: { delay: { header: true, maximum: 2h }, abort: { header: yes } } }
          - { path: /c, cluster: orders, fault: { delay: { duration: 1s, maximum: 2s }, abort: { header: true, http_status: 503 } } }
          - { path: /d, cluster: orders, fault: { delay: { header: true, maximum: 2s, duration: 1s }, abort: { header: false } } }
          - { path: /e, cluster: orders, fault: { delay: { header_delay: {} } } }
        >>> martlet.yaml:2:50:  routes[0].fault.delay: the key "maximum" is missing, expected a duration such as 250ms or 5s, at least 1ms, at most 1h
        >>> martlet.yaml:2:85:  routes[0].fault.abort.header: found header: true, expected trusted_proxies in this file: only they may ask for faults
        >>> martlet.yaml:3:75:  routes[1].fault.delay.maximum: found "2h", expected a duration such as 250ms or 5s, at least 1ms, at most 1h
        >>> martlet.yaml:3:88:  routes[1].fault.abort: found neither grpc_status nor http_status, expected at least one, or header: true
        >>> martlet.yaml:3:98:  routes[1].fault.abort.header: found "yes", expected true or false
        >>> martlet.yaml:4:75:  routes[2].fault.delay.maximum: found without header: true, expected it beside a delay that a header asks for
        >>> martlet.yaml:4:98:  routes[2].fault.abort.header: found header: true, expected trusted_proxies in this file: only they may ask for faults
        >>> martlet.yaml:4:117: routes[2].fault.abort.http_status: found beside "header", expected only one of the two
        >>> martlet.yaml:5:60:  routes[3].fault.delay.header: found header: true, expected trusted_proxies in this file: only they may ask for faults
        >>> martlet.yaml:5:89:  routes[3].fault.delay.duration: found beside "header", expected only one of the two
        >>> martlet.yaml:5:102: routes[3].fault.abort: found neither grpc_status nor http_status, expected at least one, or header: true
        >>> martlet.yaml:6:50:  routes[4].fault.delay: the key "duration" is missing, expected a duration such as 250ms or 5s, at least 1ms, at most 1h
        >>> martlet.yaml:6:52:  routes[4].fault.delay.header_delay: unknown key, expected header, duration, fraction or maximum
        --- fallbacks of another shape
        routes:
          - { path: /a, cluster: orders, fallback: orders }
          - { path: /b, cluster: orders, fallback: {} }
          - { path: /c, cluster: orders, fallback: { status: 503, body: a } }
          - { path: /d, cluster: orders, fallback: { cluster: orders, respond: { body: a } } }
          - { path: /e, cluster: orders, fallback: { cluster: orders, fallback: { respond: { body: a } } } }
          - { path: /f, redirect: { scheme: https }, fallback: { respond: { body: a } } }
          - { path: /g, respond: { body: a }, fallback: { cluster: orders } }
          - { path: /h, cluster: orders, fallback: { respond: { status: 100 } } }
          - { path: /i, cluster: orders, fallback: { respnd: { status: 200 } } }
        >>> martlet.yaml:2:44:  routes[0].fallback: found "orders", expected a mapping with cluster or respond, such as { cluster: NAME }
        >>> martlet.yaml:3:44:  routes[1].fallback: found none of cluster and respond, expected at least one
        >>> martlet.yaml:4:46:  routes[2].fallback.status: unknown key, expected cluster or respond
        >>> martlet.yaml:4:59:  routes[2].fallback.body: unknown key, expected cluster or respond
        >>> martlet.yaml:5:55:  routes[3].fallback.cluster: found "orders", which the route leads to itself, expected another cluster
        >>> martlet.yaml:5:72:  routes[3].fallback.respond: found beside "cluster", expected only one of the two
        >>> martlet.yaml:6:55:  routes[4].fallback.cluster: found "orders", which the route leads to itself, expected another cluster
        >>> martlet.yaml:6:63:  routes[4].fallback.fallback: unknown key, expected cluster or respond
        >>> martlet.yaml:7:56:  routes[5].fallback: found beside "redirect", expected beside a cluster: nothing is sent upstream
        >>> martlet.yaml:8:49:  routes[6].fallback: found beside "respond", expected beside a cluster: nothing is sent upstream
        >>> martlet.yaml:9:65:  routes[7].fallback.respond.status: found "100", expected a whole number from 200 to 599
        >>> martlet.yaml:10:46: routes[8].fallback.respnd: unknown key; did you mean "respond"?
        --- fallbacks that help nobody
        clusters:
          a: { endpoints: [10.0.0.1:80] }
          b: { endpoints: [10.0.0.2:80] }
          c: { endpoints: [10.0.0.3:80], protocol: http1 }
        routes:
          - { path: /a, cluster: a, fallback: { cluster: bb } }
          - { path: /b, cluster: a, fallback: { cluster: a } }
          - { path: /c, clusters: { a: 1, b: 1 }, fallback: { cluster: b } }
          - { path: /d, cluster: a, fallback: { cluster: c } }
          - { service: e.E, cluster: a, fallback: { respond: { body: a } } }
          - { path: /f, protocols: [grpc], cluster: a, fallback: { respond: { body: a } } }
        >>> martlet.yaml:6:50:  routes[0].fallback.cluster: found "bb", expected the name of a cluster
        >>> martlet.yaml:7:50:  routes[1].fallback.cluster: found "a", which the route leads to itself, expected another cluster
        >>> martlet.yaml:8:64:  routes[2].fallback.cluster: warning: found "b", which is among the route's clusters: calls that it was chosen for have no fallback
        >>> martlet.yaml:9:50:  routes[3].fallback.cluster: found "c", which speaks http1, expected a cluster that speaks http2 as "a" does
        >>> martlet.yaml:10:54: routes[4].fallback.respond: found respond where every caller speaks gRPC, gRPC-Web or Connect, expected a cluster: they read no such response, and are refused with UNAVAILABLE as without a fallback
        >>> martlet.yaml:11:69: routes[5].fallback.respond: found respond where every caller speaks gRPC, gRPC-Web or Connect, expected a cluster: they read no such response, and are refused with UNAVAILABLE as without a fallback
        --- what happens to no call
        clusters: { a: { endpoints: [10.0.0.1:80] }, b: { endpoints: [10.0.0.2:80] } }
        routes:
          - { path: /a, cluster: a, mirror: { cluster: b, fraction: 0% } }
          - { path: /b, cluster: a, fault: { delay: { duration: 1s, fraction: 0.0% }, abort: { http_status: 503, fraction: 0% } } }
        >>> martlet.yaml:3:61:  routes[0].mirror.fraction: warning: found 0%: it happens to no call
        >>> martlet.yaml:4:71:  routes[1].fault.delay.fraction: warning: found 0%: it happens to no call
        >>> martlet.yaml:4:116: routes[1].fault.abort.fraction: warning: found 0%: it happens to no call
        --- overload
        overload: { connections: 0, calls: many, memory: 1MiB, exchanges: 5 }
        >>> martlet.yaml:1:26: overload.connections: found "0", expected a whole number from 1 to 100000000, or none
        >>> martlet.yaml:1:36: overload.calls: found "many", expected a whole number from 1 to 100000000, or none
        >>> martlet.yaml:1:50: overload.memory: found "1MiB", expected a size such as 60KiB or 1MiB, at least 64MiB, or none
        >>> martlet.yaml:1:56: overload.exchanges: unknown key, expected connections, calls or memory
        --- faults
        routes:
          - { path: /a, cluster: orders, fault: {} }
          - { path: /b, cluster: orders, fault: { delay: { fraction: 5% }, abort: { fraction: 5% } } }
          - { path: /c, cluster: orders, fault: { abort: { grpc_status: unavialable, http_status: 200 } } }
          - { path: /d, cluster: orders, fault: { delay: { duration: 2h }, abort: { grpc_status: ok } } }
        >>> martlet.yaml:2:41: routes[0].fault: found neither delay nor abort, expected at least one
        >>> martlet.yaml:3:50: routes[1].fault.delay: the key "duration" is missing, expected a duration such as 250ms or 5s, at least 1ms, at most 1h
        >>> martlet.yaml:3:75: routes[1].fault.abort: found neither grpc_status nor http_status, expected at least one, or header: true
        >>> martlet.yaml:4:65: routes[2].fault.abort.grpc_status: found "unavialable", expected a gRPC status such as unavailable; did you mean "unavailable"?
        >>> martlet.yaml:4:91: routes[2].fault.abort.http_status: found "200", expected a whole number from 400 to 599
        >>> martlet.yaml:5:62: routes[3].fault.delay.duration: found "2h", expected a duration such as 250ms or 5s, at least 1ms, at most 1h
        >>> martlet.yaml:5:90: routes[3].fault.abort.grpc_status: found "ok", expected a gRPC status such as unavailable
        """#)
}

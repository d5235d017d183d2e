extension WrongConfiguration {
    static let balancing = corpus(
        #"""
        --- endpoints with wrong weights, priorities and keys
        clusters:
          orders:
            endpoints:
              - { address: "10.0.0.1:80", weight: 0 }
              - { address: "10.0.0.2:80", weight: -1, priority: 128 }
              - { addres: "10.0.0.3:80" }
              - { address: "10.0.0.4:80", locality: a }
        >>> martlet.yaml:4:43: clusters.orders.endpoints[0].weight: found "0", expected a whole number from 1 to 1000000
        >>> martlet.yaml:5:43: clusters.orders.endpoints[1].weight: found "-1", expected a whole number from 1 to 1000000
        >>> martlet.yaml:5:57: clusters.orders.endpoints[1].priority: found "128", expected a whole number from 0 to 127
        >>> martlet.yaml:6:11: clusters.orders.endpoints[2].addres: unknown key; did you mean "address"?
        >>> martlet.yaml:7:20: clusters.orders.endpoints[3].address: found a locality, expected the cluster to say where the gateway is: locality: a
        --- a hash that is missing, or not wanted
        clusters:
          a: { endpoints: [10.0.0.1:80], load_balancing: ring_hash }
          b: { endpoints: [10.0.0.1:80], load_balancing: { policy: maglev } }
          c: { endpoints: [10.0.0.1:80], load_balancing: { policy: random, hash: [address], table_size: 7 } }
        routes: [{ path: /a, cluster: a }, { path: /b, cluster: b }, { path: /c, cluster: c }]
        >>> martlet.yaml:2:50: clusters.a.load_balancing: found "ring_hash" without a hash, expected a mapping such as { policy: ring_hash, hash: [header x-user] }
        >>> martlet.yaml:3:50: clusters.b.load_balancing: the key "hash" is missing, expected a list such as [header x-user, address]
        >>> martlet.yaml:4:74: clusters.c.load_balancing.hash: found with policy random, expected ring_hash or maglev
        >>> martlet.yaml:4:97: clusters.c.load_balancing.table_size: found with policy random, expected maglev
        --- sources of a hash that are none
        clusters: { orders: { endpoints: [10.0.0.1:80], load_balancing: { policy: maglev, hash: [headers x-user, claim, cookie "a b", tenant x] } } }
        >>> martlet.yaml:1:90:  clusters.orders.load_balancing.hash[0]: found "headers x-user", expected a source: header H, claim P, tenant, cookie C or address; did you mean "header"?
        >>> martlet.yaml:1:106: clusters.orders.load_balancing.hash[1]: found "claim", expected a source: header H, claim P, tenant, cookie C or address
        >>> martlet.yaml:1:113: clusters.orders.load_balancing.hash[2]: found "cookie \"a b\"", expected a source: header H, claim P, tenant, cookie C or address
        >>> martlet.yaml:1:127: clusters.orders.load_balancing.hash[3]: found "tenant x", expected a source: header H, claim P, tenant, cookie C or address
        --- a hash on a claim where nobody has one
        without: authentication
        clusters: { orders: { endpoints: [10.0.0.1:80], load_balancing: { policy: maglev, hash: [claim sub, tenant, address] } } }
        routes: [{ cluster: orders, allow: anyone }]
        >>> martlet.yaml:1:90:  clusters.orders.load_balancing.hash[0]: found "claim sub", expected authentication to say whose tokens are believed: no caller has a claim
        >>> martlet.yaml:1:101: clusters.orders.load_balancing.hash[1]: found "tenant", expected authentication to say whose tokens are believed: no caller has a claim
        --- a hash on a tenant where there are none
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json }] }
        clusters: { orders: { endpoints: [10.0.0.1:80], load_balancing: { policy: maglev, hash: [tenant, claim sub] } } }
        >>> martlet.yaml:2:90: clusters.orders.load_balancing.hash[0]: found "tenant", expected authentication.tenant to say what a tenant is
        --- numbers of load balancing
        clusters:
          orders:
            endpoints: [10.0.0.1:80]
            load_balancing: { policy: least-request, panic_threshold: 50, slow_start: { aggression: 0, minimum_weight: 0% } }
        >>> martlet.yaml:4:31:  clusters.orders.load_balancing.policy: found "least-request", expected least_request, round_robin, random, ring_hash or maglev; did you mean "least_request"?
        >>> martlet.yaml:4:63:  clusters.orders.load_balancing.panic_threshold: found "50", expected a percentage such as 20%
        >>> martlet.yaml:4:79:  clusters.orders.load_balancing.slow_start: the key "window" is missing, expected a duration such as 250ms or 5s, at least 1ms
        >>> martlet.yaml:4:93:  clusters.orders.load_balancing.slow_start.aggression: found "0", expected a number above 0 such as 1 or 1.5
        >>> martlet.yaml:4:112: clusters.orders.load_balancing.slow_start.minimum_weight: found "0%", expected at least 1%: an endpoint without calls never warms up
        --- sizes of rings and tables
        clusters:
          a: { endpoints: [10.0.0.1:80], load_balancing: { policy: ring_hash, hash: [address], minimum_ring_size: 100, maximum_ring_size: 50 } }
          b: { endpoints: [10.0.0.1:80], load_balancing: { policy: maglev, hash: [address], table_size: 1000 } }
        routes: [{ path: /a, cluster: a }, { path: /b, cluster: b }]
        >>> martlet.yaml:2:131: clusters.a.load_balancing.maximum_ring_size: found 50, expected at least minimum_ring_size, 100
        >>> martlet.yaml:3:97:  clusters.b.load_balancing.table_size: found "1000", expected a prime number from 3 to 5000011
        --- circuit breakers, outlier detection and health checks
        clusters:
          orders:
            endpoints: [10.0.0.1:80]
            circuit_breaker: { requests: 0, high: { request: 5 }, errors: { ratio: 0%, minimum_calls: 0 } }
            outlier_detection: { consecutive_5xx: 0, base_ejection_time: 10m, max_ejection_time: 5m, max_ejection_percent: 10 }
            health_check: { type: tcp, service: a.B, path: health, timeout: 0s }
          other:
            endpoints: [10.0.0.1:80]
            health_check: gprc
        routes: [{ path: /a, cluster: orders }, { cluster: other }]
        >>> martlet.yaml:4:34:  clusters.orders.circuit_breaker.requests: found "0", expected a whole number from 1 to 10000000
        >>> martlet.yaml:4:45:  clusters.orders.circuit_breaker.high.request: unknown key; did you mean "requests"?
        >>> martlet.yaml:4:76:  clusters.orders.circuit_breaker.errors.ratio: found "0%", expected at least 1%
        >>> martlet.yaml:4:95:  clusters.orders.circuit_breaker.errors.minimum_calls: found "0", expected a whole number from 1 to 1000000000
        >>> martlet.yaml:5:43:  clusters.orders.outlier_detection.consecutive_5xx: found "0", expected a whole number from 1 to 1000000, or off
        >>> martlet.yaml:5:90:  clusters.orders.outlier_detection.max_ejection_time: found 5m, expected at least base_ejection_time, 10m
        >>> martlet.yaml:5:116: clusters.orders.outlier_detection.max_ejection_percent: found "10", expected a percentage such as 20%
        >>> martlet.yaml:6:41:  clusters.orders.health_check.service: found with type tcp, expected grpc
        >>> martlet.yaml:6:52:  clusters.orders.health_check.path: found "health", expected a path such as /healthz
        >>> martlet.yaml:6:52:  clusters.orders.health_check.path: found with type tcp, expected http
        >>> martlet.yaml:6:69:  clusters.orders.health_check.timeout: found "0s", expected a duration such as 250ms or 5s, at least 1ms
        >>> martlet.yaml:9:19:  clusters.other.health_check: found "gprc", expected grpc, http or tcp; did you mean "grpc"?
        --- checks that outlast their interval
        clusters: { orders: { endpoints: [10.0.0.1:80], health_check: { type: tcp, interval: 250ms } } }
        >>> martlet.yaml:1:63: clusters.orders.health_check: warning: found a timeout of 1s, longer than the interval, 250ms: endpoints that stay silent are checked more rarely
        """#)
}

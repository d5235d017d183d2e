extension WrongConfiguration {
    static let quotas = corpus(
        #"""
        --- a header that names plans, of which anyone may choose one
        listeners: [{ name: public, address: "127.0.0.1:0", trusted_headers: [x-plan] }, { name: plain, address: "127.0.0.1:0" }]
        trusted_proxies: [10.0.0.0/8]
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json }], tenant: claim tenant, plan: header X-Plan }
        plans: { free: { limits: [1/s] } }
        >>> martlet.yaml:3:103: authentication.plan: found header x-plan, which callers of listener "plain" may set themselves. Expected it in the listener's trusted_headers, or { header: x-plan, from: anyone }
        --- a header that names plans, said to be anyone's
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json }], tenant: claim tenant, plan: { header: x-plan, from: anyone } }
        plans: { free: { limits: [1/s] } }
        >>> martlet.yaml:1:103: authentication.plan: warning: found from: anyone: whoever sends x-plan with the name of a larger plan has it
        --- what cannot name a plan
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json }], tenant: claim tenant, plan: { header: "x plan", from: proxy } }
        plans: { free: { limits: [1/s] } }
        >>> martlet.yaml:1:113: authentication.plan.header: found "x plan", expected the name of a header such as x-plan
        >>> martlet.yaml:1:129: authentication.plan.from: found "proxy", expected anyone
        --- what calls cost
        routes:
          - service: a.A
            cluster: orders
            allow: anyone
            cost: -1
            limits:
              - { count: 10, per: s, cost: 0 }
              - { count: 10, per: s, cost: 11 }
              - { count: 10, per: s, burst: 20, cost: 20 }
              - { count: unlimited, cost: 2 }
              - 10/s
            methods:
              Export: { cost: 10 }
              Import: { cost: 2_000_000_000 }
        >>> martlet.yaml:5:11:  routes[0].cost: found "-1", expected a whole number from 0 to 1000000000
        >>> martlet.yaml:7:36:  routes[0].limits[0].cost: found "0", expected a whole number from 1 to 1000000000, or a mapping with header
        >>> martlet.yaml:8:36:  routes[0].limits[1].cost: found 11, expected at most 10: a call that costs more than there ever is would always be refused
        >>> martlet.yaml:10:35: routes[0].limits[3].cost: found beside a count that nothing is charged to, expected a count from 1
        >>> martlet.yaml:14:23: routes[0].methods.Import.cost: found "2_000_000_000", expected a whole number from 0 to 1000000000
        --- costs that answers say
        listeners: [{ name: a, address: "127.0.0.1:0" }]
        routes:
          - cluster: orders
            limits:
              - { count: 10, per: s, cost: {} }
              - { count: 10, per: s, cost: { header: grpc-status } }
              - { count: 10, per: s, cost: { header: x-cost, default: 9, maximum: 5 } }
              - { count: 10, per: s, cost: { header: X-Cost, default: 0, most: 5 } }
              - { count: 10, per: s, cost: many }
        rate_limits: { store: "grpc://limits:8081" }
        >>> martlet.yaml:5:36: routes[0].limits[0].cost: the key "header" is missing, expected a header's name such as x-debug
        >>> martlet.yaml:6:46: routes[0].limits[1].cost.header: found "grpc-status", expected a header that is not gRPC's or Connect's own
        >>> martlet.yaml:7:36: routes[0].limits[2].cost: found a cost that answers say, expected a number: a rate-limit service is asked once, before the call
        >>> martlet.yaml:7:63: routes[0].limits[2].cost.default: found 9, expected at most the maximum, 5
        >>> martlet.yaml:8:36: routes[0].limits[3].cost: found a cost that answers say, expected a number: a rate-limit service is asked once, before the call
        >>> martlet.yaml:8:66: routes[0].limits[3].cost.most: unknown key, expected header, default or maximum
        >>> martlet.yaml:9:36: routes[0].limits[4].cost: found "many", expected a whole number from 1 to 1000000000, or a mapping with header
        --- a cost that answers say, where none are or nobody can be asked
        routes:
          - path: /a
            allow: anyone
            respond: { status: 200 }
            limits: [{ count: 10, per: day, cost: { header: x-cost } }]
        rate_limits: { store: "grpc://limits:8081" }
        >>> martlet.yaml:5:43: routes[0].limits[0].cost: found a cost that answers say, expected a number: a rate-limit service is asked once, before the call
        >>> martlet.yaml:5:43: routes[0].limits[0].cost: found a cost that answers say on a route without a cluster, expected a number: no backend says one
        --- costs that are charged to nothing, or to less than they are
        routes:
          - service: a.A
            cluster: orders
            allow: anyone
            cost: 2
            methods:
              Export: { cost: 11, limits: [10/s] }
              Import: { cost: 11, limits: [{ count: 10, per: s, cost: 1 }] }
        >>> martlet.yaml:7:23: routes[0].methods.Export.cost: warning: found 11, more than "a.A.Export.limits[0]" ever admits: it refuses all of these calls
        >>> martlet.yaml:8:23: routes[0].methods.Import.cost: warning: found 11, expected a limit or a plan that it is charged to, without a cost of its own
        --- keys that no log may have
        routes:
          - cluster: orders
            limits:
              - { count: 5, per: s, key: header Cookie, when_missing: skip, log_key: true }
              - { count: 0, key: tenant, log_key: true, mode: shadow }
              - { count: 5, per: s, key: address, log_key: on }
        >>> martlet.yaml:4:78: routes[0].limits[0].log_key: found beside the key header cookie, which is a credential, expected false
        >>> martlet.yaml:5:43: routes[0].limits[1].log_key: found beside a count that nothing is charged to, expected a count from 1
        >>> martlet.yaml:6:52: routes[0].limits[2].log_key: found "on", expected true or false
        --- limits inside streams
        routes:
          - cluster: orders
            limits:
              - { count: 5, per: s, of: request_bytes }
              - { count: 5MiB, per: s, of: bytes }
              - { count: 5MiB, per: s, of: request_bytes, burst: 5 }
              - { count: 5, per: s, over: hold }
              - { count: 5, per: h, of: request_messages, over: hold }
              - { count: 5, per: s, of: request_messages, over: drop, cost: 2, warn_at: 80% }
              - { count: unlimited, of: request_messages }
              - { count: 900GiB, per: day, algorithm: token_bucket, burst: 1GiB, of: response_bytes }
              - { count: 5, per: 60s, of: response_messages, over: hold }
              - { count: 5, algorithm: concurrency, of: response_messages }
        >>> martlet.yaml:4:18:  routes[0].limits[0].count: found "5", expected a size such as 60KiB or 1MiB, from 1B to 1048576GiB; with its unit: 5B
        >>> martlet.yaml:5:18:  routes[0].limits[1].count: found "5MiB", expected a whole number from 0 to 10000000000, or unlimited
        >>> martlet.yaml:5:36:  routes[0].limits[1].of: found "bytes", expected request_messages, response_messages, request_bytes or response_bytes, or calls
        >>> martlet.yaml:6:58:  routes[0].limits[2].burst: found "5", expected a size such as 60KiB or 1MiB, at least 1B; with its unit: 5B
        >>> martlet.yaml:7:35:  routes[0].limits[3].over: found without of: what streams carry, expected refuse: calls are not held
        >>> martlet.yaml:8:57:  routes[0].limits[4].over: found hold, expected refuse: no call waits for longer than a minute
        >>> martlet.yaml:9:57:  routes[0].limits[5].over: found "drop", expected refuse or hold
        >>> martlet.yaml:9:69:  routes[0].limits[5].cost: found beside of, expected none: what streams carry is counted as it is
        >>> martlet.yaml:9:81:  routes[0].limits[5].warn_at: found beside of, expected none: what streams carry is counted as it is
        >>> martlet.yaml:10:33: routes[0].limits[6].of: found beside a count that nothing is charged to, expected a count from 1
        >>> martlet.yaml:13:49: routes[0].limits[9].of: found beside algorithm: concurrency, expected none: calls in flight are counted as calls
        --- when limits warn
        routes:
          - cluster: orders
            limits:
              - { count: 10, per: s, warn_at: 0% }
              - { count: 10, per: s, warn_at: 101% }
              - { count: 10, per: s, warn_at: 0.8 }
              - { count: 0, warn_at: 80%, mode: shadow }
              - { count: 10, per: s, warn_at: off }
        rate_limits: { warn_at: on }
        >>> martlet.yaml:4:39: routes[0].limits[0].warn_at: found "0%", expected a percentage from 1% to 100%, or off
        >>> martlet.yaml:5:39: routes[0].limits[1].warn_at: found "101%", expected a percentage from 1% to 100%, or off
        >>> martlet.yaml:6:39: routes[0].limits[2].warn_at: found "0.8", expected a percentage from 1% to 100%, or off
        >>> martlet.yaml:7:30: routes[0].limits[3].warn_at: found beside a count that nothing is charged to, expected a count from 1
        >>> martlet.yaml:9:25: rate_limits.warn_at: found "on", expected a percentage from 1% to 100%, or off
        """#)
}

extension WrongConfiguration {
    static let plansAndLimits = corpus(
        #"""
        --- a default plan that does not exist
        authentication:
          issuers: [{ issuer: i, audiences: [a], jwks: k.json }]
          tenant: claim tenant
          plan: claim plan
          default_plan: fre
        plans: { free: { limits: [1/s] } }
        >>> martlet.yaml:5:17: authentication.default_plan: found "fre", expected the name of a plan; did you mean "free"?
        --- a plan claim without plans
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json }], tenant: claim tenant, plan: claim plan }
        >>> martlet.yaml:1:103: authentication.plan: found without plans: no caller's plan would be known
        --- plans that no token could name
        plans: { free: { limits: [1/s] } }
        >>> martlet.yaml:1:8: plans: found without authentication.plan: no caller would have one of them
        --- a plan that says nothing, one with an odd name; one without limits is none
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json }], tenant: claim tenant, plan: claim plan }
        plans: { empty: { limits: [] }, none: {}, "a b": { limits: [1/s] } }
        >>> martlet.yaml:2:39: plans.none: the key "limits" is missing, expected a list, each a limit such as 50/s, 10/s burst 100 per tenant, or 10_000/day
        >>> martlet.yaml:2:43: plans["a b"]: found "a b", expected a name of letters, digits, _, - and .
        --- limits that are not written so, each at its column
        routes:
          - cluster: orders
            limits: [fast, 100, 100/sec, 0/s, 10/s brust 5, 10/s burst 0, 10/day burst 5, 10/s per user, "10/s per claim", [10/s]]
        >>> martlet.yaml:3:14:  routes[0].limits[0]: found "fast", expected a count such as 100 or 10_000
        >>> martlet.yaml:3:23:  routes[0].limits[1]: found the end, expected / and a unit (s, min, h, day, week or month), or at once
        >>> martlet.yaml:3:29:  routes[0].limits[2]: found "sec", expected a unit: s, min, h, day, week or month
        >>> martlet.yaml:3:34:  routes[0].limits[3]: found 0, expected a count from 1 to 10000000000
        >>> martlet.yaml:3:44:  routes[0].limits[4]: found "brust", expected an algorithm, burst, per or the end
        >>> martlet.yaml:3:64:  routes[0].limits[5]: found burst 0, expected a burst from 1 to 10000000000
        >>> martlet.yaml:3:80:  routes[0].limits[6]: found burst 5, expected no burst: only a token bucket has one, as a limit in seconds is by default
        >>> martlet.yaml:3:92:  routes[0].limits[7]: found "user", expected a key: tenant, address, method, claim P, header H or constant C
        >>> martlet.yaml:3:113: routes[0].limits[8]: found the end, expected a claim such as tenant or realm.tenant (other names need the map form)
        >>> martlet.yaml:3:116: routes[0].limits[9]: found a list, expected a limit such as 50/s, 10/s burst 100 per tenant, or 10_000/day
        --- numbers of counters that there cannot be
        routes:
          - cluster: orders
            limits: [{ count: 1, per: s, counters: 0 }, { count: 1, per: s, counters: 67108865 }, { count: 1, per: s, counters: many }]
        rate_limits: { counters: -1 }
        >>> martlet.yaml:3:44:  routes[0].limits[0].counters: found "0", expected a whole number from 1 to 67108864
        >>> martlet.yaml:3:79:  routes[0].limits[1].counters: found "67108865", expected a whole number from 1 to 67108864
        >>> martlet.yaml:3:121: routes[0].limits[2].counters: found "many", expected a whole number from 1 to 67108864
        >>> martlet.yaml:4:26:  rate_limits.counters: found "-1", expected a whole number from 0 to 134217728
        --- more counters for a limit than the process has
        routes:
          - cluster: orders
            limits: [{ count: 1, per: s, counters: 16484 }, { count: 1, per: s, counters: 16485 }]
        rate_limits: { counters: 100 }
        >>> martlet.yaml:3:53: routes[0].limits[1]: warning: found counters: 16485, of which it can have 16484: 16384 and what rate_limits.counters adds
        --- the mapping form
        routes:
          - cluster: orders
            limits:
              - { count: 0, per: s }
              - { per: s }
              - { count: 10 }
              - { count: 10, per: year }
              - { count: 10, per: day, burst: 5 }
              - { count: 10, per: s, key: user }
              - { count: 10, per: s, key: [address, address] }
              - { count: 10, per: s, mode: enforce }
              - { count: 10, per: s, before: routing }
              - { count: 10, per: s, name: a b }
              - { count: 10, per: s, bust: 1 }
        >>> martlet.yaml:4:18:  routes[0].limits[0].count: warning: refuses every call, expected when beside it, to say which calls
        >>> martlet.yaml:5:9:   routes[0].limits[1]: the key "count" is missing, expected a whole number from 0 to 10000000000, or unlimited
        >>> martlet.yaml:6:9:   routes[0].limits[2]: the key "per" is missing, expected a span such as s, 10s, min, h, day, week or month
        >>> martlet.yaml:7:27:  routes[0].limits[3].per: found "year", expected a span such as s, 10s, min, h, day, week or month
        >>> martlet.yaml:8:39:  routes[0].limits[4].burst: found burst 5, expected no burst: only a token bucket has one, as a limit in seconds is by default
        >>> martlet.yaml:9:35:  routes[0].limits[5].key: found "user", expected a key: tenant, address, method, claim P, header H or constant C
        >>> martlet.yaml:10:35: routes[0].limits[6].key: found address twice, expected each key once
        >>> martlet.yaml:11:36: routes[0].limits[7].mode: found "enforce", expected shadow
        >>> martlet.yaml:12:38: routes[0].limits[8].before: found "routing", expected authentication
        >>> martlet.yaml:13:36: routes[0].limits[9].name: found "a b", expected a name of letters, digits, _, - and .
        >>> martlet.yaml:14:30: routes[0].limits[10].bust: unknown key; did you mean "burst"?
        --- algorithms, and where windows start
        routes:
          - cluster: orders
            limits:
              - { count: 10, per: min, algorithm: leaky }
              - { count: 10, per: month, algorithm: token_bucket }
              - { count: 10, per: day, algorithm: sliding, burst: 5 }
              - { count: 10, per: day, starts: 6 }
              - { count: 10, per: day, starts: "25:00" }
              - { count: 10, per: week, starts: "06:00" }
              - { count: 10, per: month, starts: 32 }
              - { count: 10, per: month, starts: monday }
              - { count: 10, per: h, starts: "06:00" }
              - { count: 10, per: day, algorithm: token_bucket, starts: "06:00" }
              - { count: 2_000_000_000, per: s, algorithm: fixed }
              - { count: 10, per: 60week }
              - { count: 10, per: day, start: "06:00" }
              - { count: 10, per: h, time_zone: Europe/Prague }
              - { count: 10, per: day, algorithm: token_bucket, time_zone: Europe/Prague }
              - { count: 10, per: day, time_zone: ../../etc/passwd }
              - { count: 10, per: day, time_zone: +02:00 }
              - { count: 10, per: day, zone: UTC }
              - 10/day sliding burst 5
        >>> martlet.yaml:4:43:  routes[0].limits[0].algorithm: found "leaky", expected fixed, sliding, token_bucket or concurrency
        >>> martlet.yaml:5:27:  routes[0].limits[1].per: found month, expected at most 31day: a token bucket fills evenly
        >>> martlet.yaml:6:59:  routes[0].limits[2].burst: found burst 5, expected no burst: only a token bucket has one, as a limit in seconds is by default
        >>> martlet.yaml:7:40:  routes[0].limits[3].starts: found 6, expected a time such as 06:00, because windows are of a day
        >>> martlet.yaml:8:40:  routes[0].limits[4].starts: found "25:00", expected a time such as 06:00, a day such as monday, or a day of the month
        >>> martlet.yaml:9:41:  routes[0].limits[5].starts: found 06:00, expected a day such as monday, because windows are of a week
        >>> martlet.yaml:10:42: routes[0].limits[6].starts: found "32", expected a time such as 06:00, a day such as monday, or a day of the month
        >>> martlet.yaml:11:42: routes[0].limits[7].starts: found monday, expected a day from 1 to 31, because windows are of a month
        >>> martlet.yaml:12:38: routes[0].limits[8].starts: found 06:00, expected no start: only windows of a day, week or month have one
        >>> martlet.yaml:13:65: routes[0].limits[9].starts: found 06:00, expected no start: a token bucket has no windows
        >>> martlet.yaml:14:18: routes[0].limits[10].count: found 2000000000, expected at most 1000000000 in a window of seconds
        >>> martlet.yaml:15:27: routes[0].limits[11].per: found "60week", expected a span such as s, 10s, min, h, day, week or month
        >>> martlet.yaml:16:32: routes[0].limits[12].start: unknown key; did you mean "starts"?
        >>> martlet.yaml:17:41: routes[0].limits[13].time_zone: found Europe/Prague, expected no time zone: only windows of a day, week or month have one
        >>> martlet.yaml:18:68: routes[0].limits[14].time_zone: found Europe/Prague, expected no time zone: a token bucket has no windows
        >>> martlet.yaml:19:43: routes[0].limits[15].time_zone: found "../../etc/passwd", expected the name of a time zone such as Europe/Prague
        >>> martlet.yaml:20:43: routes[0].limits[16].time_zone: found "+02:00", expected the name of a time zone such as Europe/Prague
        >>> martlet.yaml:21:32: routes[0].limits[17].zone: unknown key, expected descriptors, when, when_missing, cost, warn_at, log_key, of, over, count, algorithm, per, burst, starts, time_zone, counters, mode, before, name or key
        >>> martlet.yaml:22:30: routes[0].limits[18]: found burst 5, expected no burst: only a token bucket has one, as a limit in seconds is by default
        --- calls in flight have no window
        routes:
          - cluster: orders
            limits:
              - { count: 20, per: s, algorithm: concurrency }
              - { count: 20, algorithm: concurrency, burst: 5 }
              - { count: 20, algorithm: concurrency, starts: "06:00" }
              - { count: 20, algorithm: concurrency, time_zone: Europe/Prague }
              - { count: 20_000_000, algorithm: concurrency }
              - 20/s concurrency
              - 20 at a time
              - { count: 20, algorithm: concurrency, cost: 21 }
              - { count: 20, algorithm: concurrency, cost: { header: x-cost } }
        >>> martlet.yaml:4:27:  routes[0].limits[0].per: found beside algorithm: concurrency, expected none: calls in flight are counted in no window
        >>> martlet.yaml:5:53:  routes[0].limits[1].burst: found burst 5, expected no burst: calls in flight are counted in no window
        >>> martlet.yaml:6:54:  routes[0].limits[2].starts: found 06:00, expected no start: calls in flight are counted in no window
        >>> martlet.yaml:7:57:  routes[0].limits[3].time_zone: found Europe/Prague, expected no time zone: calls in flight are counted in no window
        >>> martlet.yaml:8:18:  routes[0].limits[4].count: found 20000000, expected at most 10000000 at once
        >>> martlet.yaml:9:14:  routes[0].limits[5]: found "concurrency", expected 20 at once: calls in flight have no window
        >>> martlet.yaml:10:15: routes[0].limits[6]: found "a", expected once: calls in flight are counted by 20 at once
        >>> martlet.yaml:11:52: routes[0].limits[7].cost: found 21, expected at most 20: a call that costs more than there ever is would always be refused
        >>> martlet.yaml:12:52: routes[0].limits[8].cost: found a cost of the answer, expected a number: calls in flight have no answer yet
        --- calls in flight, where a rate-limit service counts
        rate_limits: { store: grpc://127.0.0.1:9000, heartbeat_timeout: 500ms }
        routes: [{ cluster: orders, limits: [20 at once per address] }]
        >>> martlet.yaml:1:65: rate_limits.heartbeat_timeout: found "500ms", expected a duration such as 250ms or 5s, at least 1s, at most 1m
        >>> martlet.yaml:2:38: routes[0].limits[0]: found "20 at once per address", expected a count in a window: a rate-limit service cannot be asked for it
        --- conditions of limits
        routes:
          - path: /a
            cluster: orders
            allow: anyone
            limits:
              - { count: -1, per: s }
              - { count: unlimitd, key: address }
              - { count: unlimited, key: address, burst: 5 }
              - { count: 0, key: address, when_missing: share, mode: shadow }
              - { count: 1, per: s, when_missing: skip }
              - { count: 1, per: s, key: header x-a, when_missing: drop }
              - { count: 1, per: s, key: address, when: { heder: { x-a: "*" } } }
              - { count: 1, per: s, key: address, before: authentication, when: { claim: { role: admin } } }
              - 1/s per header x-b
              - { count: 1, per: s, key: header x-b, when_missing: share }
              - { count: 1, per: s, key: header x-b, when: { header: { x-b: "*" } } }
        >>> martlet.yaml:6:18:  routes[0].limits[0].count: found "-1", expected a whole number from 0 to 10000000000, or unlimited
        >>> martlet.yaml:7:9:   routes[0].limits[1]: the key "per" is missing, expected a span such as s, 10s, min, h, day, week or month
        >>> martlet.yaml:7:18:  routes[0].limits[1].count: found "unlimitd", expected a whole number from 0 to 10000000000, or unlimited
        >>> martlet.yaml:8:43:  routes[0].limits[2].burst: unknown key, expected descriptors, when, when_missing, cost, warn_at, log_key, of, over, count, mode, before, name or key
        >>> martlet.yaml:9:49:  routes[0].limits[3].when_missing: found share, expected skip or refuse: nothing is counted here
        >>> martlet.yaml:10:43: routes[0].limits[4].when_missing: found without keys, expected key: beside it: there is nothing that could be missing
        >>> martlet.yaml:11:60: routes[0].limits[5].when_missing: found "drop", expected share, skip or refuse
        >>> martlet.yaml:12:51: routes[0].limits[6].when.heder: unknown key; did you mean "header"?
        >>> martlet.yaml:13:73: routes[0].limits[7].when: found a condition on the token before authentication, expected one that needs none
        >>> martlet.yaml:14:9:  routes[0].limits[8]: warning: found the key header x-b without when_missing: calls without it share one counter. Expected when_missing: share, skip or refuse
        --- descriptors without a service, and wrong ones
        routes:
          - path: /a
            cluster: orders
            limits:
              - { descriptors: [[{ key: path, value: "%{request.path}" }]] }
              - { descriptors: [[{ key: path }], [{ key: a, value: "%{response.status}" }]] }
              - { descriptors: [{ key: path, value: a }], count: 1 }
        >>> martlet.yaml:5:9:  routes[0].limits[0]: found descriptors, expected rate_limits.store to be a grpc:// service, which has rules for them
        >>> martlet.yaml:6:9:  routes[0].limits[1]: found descriptors, expected rate_limits.store to be a grpc:// service, which has rules for them
        >>> martlet.yaml:6:26: routes[0].limits[1].descriptors[0][0]: the key "value" is missing, expected a text such as %{request.path}
        >>> martlet.yaml:6:60: routes[0].limits[1].descriptors[1][0].value: found "%{response.status}", expected a text without %{response.status}: limits are judged before there is an answer
        >>> martlet.yaml:7:9:  routes[0].limits[2]: found descriptors, expected rate_limits.store to be a grpc:// service, which has rules for them
        >>> martlet.yaml:7:25: routes[0].limits[2].descriptors[0]: found a mapping, expected a list, each a mapping with key and value
        >>> martlet.yaml:7:51: routes[0].limits[2].count: unknown key, expected descriptors, when, cost, warn_at or name
        --- conditions of limits that can never be known
        routes:
          - path: /a
            cluster: orders
            authentication: off
            allow: anyone
            limits:
              - { count: 1, per: s, when: { claim: { role: admin } } }
              - { count: 1, per: s, when: { not: { client_certificate: a.example } } }
        >>> martlet.yaml:7:35: routes[0].limits[0].when: asks for a token, which authentication: off does not look at, expected rules without identity
        >>> martlet.yaml:8:35: routes[0].limits[1].when: asks for a client certificate, expected client_ca at a listener
        --- exemptions that exempt from nothing
        routes:
          - path: /a
            cluster: orders
            allow: anyone
            limits:
              - 2/min per address
              - { count: unlimited, key: address, when: { http_method: GET } }
              - { count: unlimited, key: method, when: { http_method: GET } }
              - { count: unlimited, key: header x-a, before: authentication }
              - { count: 1, per: s, key: header x-a, when_missing: skip }
              - { count: unlimited, mode: shadow }
              - { count: unlimited, key: constant a }
              - 5/min per constant a
        >>> martlet.yaml:7:9:   routes[0].limits[1]: warning: exempts from nothing, expected it before the limit with the same keys
        >>> martlet.yaml:8:9:   routes[0].limits[2]: warning: exempts from nothing, expected a limit with the same key, and the same before, behind it in this list
        >>> martlet.yaml:9:9:   routes[0].limits[3]: warning: found the key header x-a without when_missing: calls without it share one counter. Expected when_missing: share, skip or refuse
        >>> martlet.yaml:9:9:   routes[0].limits[3]: warning: exempts from nothing, expected a limit with the same key, and the same before, behind it in this list
        >>> martlet.yaml:11:9:  routes[0].limits[5]: warning: exempts from nothing, expected a limit with the same key, and the same before, behind it in this list
        >>> martlet.yaml:11:35: routes[0].limits[5].mode: found shadow, expected none: an exemption has no refusal that could only be logged
        --- descriptors of what is not known, and of credentials
        rate_limits: { store: "grpc://127.0.0.1:1" }
        clusters: { orders: { endpoints: [10.0.0.1:80] }, web: { endpoints: [10.0.0.1:80] } }
        routes:
          - path: /a
            clusters: { orders: 50, web: 50 }
            authentication: off
            allow: anyone
            limits:
              - { descriptors: [[{ key: user, value: "%{claim.sub}" }, { key: c, value: "%{cluster}" }]] }
              - { descriptors: [[{ key: a, value: "%{request.header.cookie}" }]] }
        >>> martlet.yaml:9:46:  routes[0].limits[0].descriptors[0][0].value: found %{claim.sub} on a route with authentication: off, expected none of an identity
        >>> martlet.yaml:9:81:  routes[0].limits[0].descriptors[0][1].value: found %{cluster} on a route with clusters, expected another variable: limits are judged before one is picked
        >>> martlet.yaml:10:43: routes[0].limits[1].descriptors[0][0].value: found "%{request.header.cookie}", expected no credential of the caller: rate-limit services keep and log what they count by
        --- more limits than a call can have
        plans: { big: { limits: [1/s, 2/s, 3/s] } }
        routes:
          - service: a.B
            cluster: orders
            limits: [1/min, 2/min, 3/min, 4/min, 5/min, 6/min, 7/min, 8/min, 9/min, 10/min, 11/min, 12/min, 13/min]
            methods: { Get: { limits: [1/h] } }
        >>> martlet.yaml:1:8:  plans: found without authentication.plan: no caller would have one of them
        >>> martlet.yaml:6:31: routes[0].methods.Get.limits: found 17 limits for one call, those of its plan among them, expected at most 16
        --- a service that is never asked
        rate_limits: { store: "grpc://127.0.0.1:1" }
        routes: [{ cluster: orders, limits: [{ count: 0, key: address, mode: shadow }] }]
        >>> martlet.yaml:1:23: rate_limits.store: warning: found a rate-limit service and no limits: it is never asked. Expected limits, or descriptors for rules of its own
        --- two limits with one name
        routes:
          - cluster: orders
            limits: [{ count: 10, per: s, name: a }, { count: 20, per: min, name: a }]
        >>> martlet.yaml:3:46: routes[0].limits[1]: found the name "a", which another limit has, expected one of its own
        --- per tenant where strangers may call
        routes:
          - { path: /a, cluster: orders, allow: anyone, limits: [10/s per tenant] }
          - { path: /b, cluster: orders, allow: { address: [10.0.0.0/8] }, limits: [10/s per claim sub] }
          - { path: /c, cluster: orders, allow: { not: { scopes: [a] } }, limits: [10/s per tenant] }
        >>> martlet.yaml:2:58: routes[0].limits[0]: found "10/s per tenant" where callers without a token are allowed, expected keys that every caller has
        >>> martlet.yaml:3:77: routes[1].limits[0]: found "10/s per claim sub" where callers without a token are allowed, expected keys that every caller has
        --- per tenant where strangers may call one method
        routes:
          - service: a.B
            cluster: orders
            limits: [10/s per tenant]
            methods: { Open: { allow: anyone }, Shut: {} }
          - service: a.C
            cluster: orders
            allow: anyone
            methods: { Open: { limits: [10/s per tenant] }, Shut: { allow: authenticated, limits: [10/s per tenant] } }
        >>> martlet.yaml:5:31: routes[0].methods.Open.allow: admits callers without a token, but the route's limit "10/s per tenant" counts what only a token says
        >>> martlet.yaml:9:33: routes[1].methods.Open.limits[0]: found "10/s per tenant" where callers without a token are allowed, expected keys that every caller has
        --- per tenant before it is known who calls
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json }], tenant: claim tenant, plan: claim plan }
        routes:
          - cluster: orders
            limits: [{ count: 10, per: s, key: tenant, before: authentication }]
        plans: { free: { limits: [{ count: 10, per: s, before: authentication }] } }
        >>> martlet.yaml:4:14: routes[0].limits[0]: found "10/s per tenant" before authentication, expected keys that need no token
        >>> martlet.yaml:5:27: plans.free.limits[0]: found before: authentication, expected none: only a token names a plan
        --- per tenant where nothing says what a tenant is
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json }] }
        routes: [{ cluster: orders, limits: [10/s per tenant, 10/s per claim sub] }]
        >>> martlet.yaml:2:38: routes[0].limits[0]: found "10/s per tenant", expected authentication.tenant to say what a tenant is
        >>> martlet.yaml:2:55: routes[0].limits[1]: warning: found the key claim sub without when_missing: calls without it share one counter. Expected when_missing: share, skip or refuse
        --- per tenant where nobody is asked who they are
        without: authentication
        routes: [{ cluster: orders, limits: [10/s per tenant] }]
        >>> martlet.yaml:1:10: routes[0]: found no allow, so only authenticated callers may call, expected authentication in this file, or allow: anyone
        --- what a rate-limit service cannot count
        rate_limits: { store: "grpc://10.0.0.1:8081" }
        routes: [{ cluster: orders, limits: [10/s, 10/s burst 20, 10/2min, 5_000_000_000/day] }]
        >>> martlet.yaml:2:44: routes[0].limits[1]: found "10/s burst 20", expected no burst: a rate-limit service cannot be asked for it
        >>> martlet.yaml:2:59: routes[0].limits[2]: found "10/2min", expected one unit of time, not 2: a rate-limit service cannot be asked for it
        >>> martlet.yaml:2:68: routes[0].limits[3]: found "5_000_000_000/day", expected a count of at most 4294967295: a rate-limit service cannot be asked for it
        --- stores that are none
        rate_limits: { store: postgres://db }
        >>> martlet.yaml:1:23: rate_limits.store: found "postgres://db", expected memory, a name under stores, redis://host:port/db, rediss://host:port/db, unix:///path/of/redis.sock or grpc://host:port
        --- a store without a port where none is usual
        rate_limits: { store: grpc://limits.internal }
        >>> martlet.yaml:1:23: rate_limits.store: found "grpc://limits.internal", expected memory, a name under stores, redis://host:port/db, rediss://host:port/db, unix:///path/of/redis.sock or grpc://host:port
        --- a store's password is not echoed
        rate_limits: { store: "redys://user:hunter2@10.0.0.1" }
        >>> martlet.yaml:1:23: rate_limits.store: found "redys://***@10.0.0.1", expected memory, a name under stores, redis://host:port/db, rediss://host:port/db, unix:///path/of/redis.sock or grpc://host:port
        --- what does not suit the store
        rate_limits: { store: memory, user: a, password: "${SECRET}", tls: {} }
        >>> martlet.yaml:1:37: rate_limits.user: expected no user here: the store is in this process
        >>> martlet.yaml:1:50: rate_limits.password: expected no password here: the store is in this process
        >>> martlet.yaml:1:68: rate_limits.tls: expected no tls here: the store is in this process
        --- credentials twice, TLS by the wrong door
        rate_limits: { store: "redis://user:${SECRET}@10.0.0.1", user: b, password: "${SECRET}", tls: {} }
        >>> martlet.yaml:1:64: rate_limits.user: expected no user here: the store's URL has one
        >>> martlet.yaml:1:77: rate_limits.password: expected no password here: the store's URL has one
        >>> martlet.yaml:1:95: rate_limits.tls: expected no tls here: TLS to Redis is written rediss://
        --- a user without a password
        rate_limits: { store: "redis://10.0.0.1", user: martlet }
        >>> martlet.yaml:1:49: rate_limits.user: found a user without a password, expected both
        --- credentials for a service that takes none
        rate_limits: { store: "grpc://10.0.0.1:8081", password: "${SECRET}" }
        >>> martlet.yaml:1:23: rate_limits.store: warning: found a rate-limit service and no limits: it is never asked. Expected limits, or descriptors for rules of its own
        >>> martlet.yaml:1:57: rate_limits.password: expected no password here: an RLS service takes none
        --- the rest of the section
        rate_limits: { store: "redis://10.0.0.1/two", domain: "", timeout: 0ms, when_unavailable: fail }
        >>> martlet.yaml:1:23: rate_limits.store: found "redis://10.0.0.1/two", expected memory, a name under stores, redis://host:port/db, rediss://host:port/db, unix:///path/of/redis.sock or grpc://host:port
        >>> martlet.yaml:1:55: rate_limits.domain: found "", expected a name of letters, digits, _, - and .
        >>> martlet.yaml:1:68: rate_limits.timeout: found "0ms", expected a duration such as 250ms or 5s, at least 1ms
        >>> martlet.yaml:1:91: rate_limits.when_unavailable: found "fail", expected allow, deny or local
        --- a password from a file that is not there
        rate_limits: { store: "redis://10.0.0.1", password: file:redis.secret }
        >>> martlet.yaml:1:53: rate_limits.password: cannot read "redis.secret": no such file
        """#)
}

extension WrongConfiguration {
    /// Tries, hedges, and their time.
    static let retries = corpus(
        #"""
        --- a retry's words
        routes: [{ cluster: orders, retry: { on: [unavialable, connect_failures, 5xxx, 200, ok] } }]
        >>> martlet.yaml:1:43: routes[0].retry.on[0]: found "unavialable", expected a gRPC status such as unavailable, connect_failure, reset, refused_stream, per_try_timeout, 5xx or an HTTP status; did you mean "unavailable"?
        >>> martlet.yaml:1:56: routes[0].retry.on[1]: found "connect_failures", expected a gRPC status such as unavailable, connect_failure, reset, refused_stream, per_try_timeout, 5xx or an HTTP status; did you mean "connect_failure"?
        >>> martlet.yaml:1:74: routes[0].retry.on[2]: found "5xxx", expected a gRPC status such as unavailable, connect_failure, reset, refused_stream, per_try_timeout, 5xx or an HTTP status; did you mean "5xx"?
        >>> martlet.yaml:1:80: routes[0].retry.on[3]: found "200", expected a gRPC status such as unavailable, connect_failure, reset, refused_stream, per_try_timeout, 5xx or an HTTP status
        >>> martlet.yaml:1:85: routes[0].retry.on[4]: found "ok", expected a gRPC status such as unavailable, connect_failure, reset, refused_stream, per_try_timeout, 5xx or an HTTP status
        --- a retry that is none, and one too many
        routes: [{ cluster: orders, path: /a, retry: { attempts: 1 } }, { cluster: orders, retry: { attempts: 11 } }]
        >>> martlet.yaml:1:58:  routes[0].retry.attempts: found "1", expected a whole number from 2 to 10: the first try counts
        >>> martlet.yaml:1:91:  routes[1].retry: warning: found a retry of methods not known to be idempotent: only calls that no upstream has executed are retried. Expected idempotent: true, a schema with idempotency_level, or on: [connect_failure, refused_stream]
        >>> martlet.yaml:1:103: routes[1].retry.attempts: found "11", expected a whole number from 2 to 10: the first try counts
        --- methods that may not be executed twice, and writes that may
        routes:
          - { path: /a, cluster: orders, retry: { http_methods: [GET, POST, get] } }
          - { path: /b, cluster: orders, idempotent: maybe, retry: { http_methods: [], non_idempotent: true } }
        >>> martlet.yaml:2:57: routes[0].retry.http_methods: found POST, expected one of GET, HEAD, OPTIONS, TRACE, PUT and DELETE, or non_idempotent: true beside it: the upstream may have executed the request already
        >>> martlet.yaml:2:69: routes[0].retry.http_methods[2]: found "get", expected one of GET, HEAD, OPTIONS, TRACE, PUT, DELETE, POST, PATCH
        >>> martlet.yaml:3:46: routes[1].idempotent: found "maybe", expected true or false
        >>> martlet.yaml:3:60: routes[1].retry: warning: found non_idempotent: true: a call that failed after the upstream has executed it is executed again, POST and other writes too
        >>> martlet.yaml:3:76: routes[1].retry.http_methods: found an empty list, expected a list, each one of GET, HEAD, OPTIONS, TRACE, PUT, DELETE, POST, PATCH
        --- a retry that is not meant
        routes: [{ cluster: orders, retry: none }]
        >>> martlet.yaml:1:36: routes[0].retry: found "none", expected a mapping, {} for the usual numbers, or off
        --- a backoff that shrinks
        routes: [{ cluster: orders, retry: { backoff: { base: 1s, max: 500ms } } }]
        >>> martlet.yaml:1:36: routes[0].retry: warning: found a retry of methods not known to be idempotent: only calls that no upstream has executed are retried. Expected idempotent: true, a schema with idempotency_level, or on: [connect_failure, refused_stream]
        >>> martlet.yaml:1:64: routes[0].retry.backoff.max: found 500ms, expected at least base, 1s
        --- a per-try timeout on one side only
        routes:
          - { path: /a, cluster: orders, retry: { on: [unavailable], per_try_timeout: 1s } }
          - { path: /b, cluster: orders, retry: { on: [per_try_timeout] } }
        >>> martlet.yaml:2:47: routes[0].retry.on: found per_try_timeout, expected it in the list too: else it ends the call
        >>> martlet.yaml:3:47: routes[1].retry.on: found per_try_timeout in the list, expected it beside the list too: how long a try may take
        --- a try that lasts as long as its call
        routes:
          - service: a.B
            cluster: orders
            timeout: 2s
            retry: { per_try_timeout: 1999ms }
            methods: { Get: { timeout: 1s }, Put: { retry: { per_try_timeout: 2s } } }
        >>> martlet.yaml:5:12: routes[0].retry: warning: found a retry of methods not known to be idempotent: only calls that no upstream has executed are retried. Expected idempotent: true, a schema with idempotency_level, or on: [connect_failure, refused_stream]
        >>> martlet.yaml:6:52: routes[0].methods.Put.retry: warning: found a retry of a method not known to be idempotent: only calls that no upstream has executed are retried. Expected idempotent: true, a schema with idempotency_level, or on: [connect_failure, refused_stream]
        >>> martlet.yaml:6:52: routes[0].methods.Put.retry: found a per_try_timeout of 2s, expected less than the call's timeout, 2s: it would never end a try
        --- hedging of what may not be done twice, and beside a retry
        routes:
          - service: a.B
            cluster: orders
            timeout: 1s
            methods:
              Get: { hedging: {} }
              Put: { idempotent: true, hedging: { attempts: 1, delay: 1s }, retry: {} }
              Ask: { idempotent: true, hedging: { delay: 1s, non_fatal: [reset] } }
        >>> martlet.yaml:6:23: routes[0].methods.Get.hedging: found hedging of a method that is not said to be the same done twice, expected idempotent: true beside it
        >>> martlet.yaml:7:41: routes[0].methods.Put.hedging: found a delay of 1s, expected less than the call's timeout, 1s: no hedge would begin
        >>> martlet.yaml:7:53: routes[0].methods.Put.hedging.attempts: found "1", expected a whole number from 2 to 10: the first try counts
        >>> martlet.yaml:7:76: routes[0].methods.Put.retry: found beside "hedging", expected only one of the two
        >>> martlet.yaml:8:41: routes[0].methods.Ask.hedging: found a delay of 1s, expected less than the call's timeout, 1s: no hedge would begin
        >>> martlet.yaml:8:66: routes[0].methods.Ask.hedging.non_fatal[0]: found "reset", expected a gRPC status such as unavailable
        --- hedging of a whole route
        routes: [{ service: a.B, cluster: orders, hedging: {} }]
        >>> martlet.yaml:1:43: routes[0].hedging: unknown key, expected listeners, authority, service, path, prefix, http_method, headers, query, name, cluster, clusters, sticky, mirror, fault, redirect, respond, serve, rewrite, fallback, timeout, stream_idle, body_bytes, allow, deny, authentication, limits, cost, expose, priority, retry, max_stream_duration, idempotent, request_headers, request_query, response_headers, methods, cors, error_response, json, gzip or protocols
        --- budgets, and how long a call may go on
        clusters: { orders: { endpoints: [10.0.0.1:80], retry_budget: { percent: 20, minimum: -1 }, hedge_budget: 20% } }
        routes: [{ cluster: orders, max_stream_duration: 0s }]
        >>> martlet.yaml:1:74:  clusters.orders.retry_budget.percent: found "20", expected a percentage such as 20%
        >>> martlet.yaml:1:87:  clusters.orders.retry_budget.minimum: found "-1", expected a whole number from 0 to 1000000
        >>> martlet.yaml:1:107: clusters.orders.hedge_budget: found "20%", expected a mapping with percent or minimum
        >>> martlet.yaml:2:50:  routes[0].max_stream_duration: found "0s", expected a duration such as 250ms or 5s, at least 1ms; leave it out for none
        --- budgets of nothing
        clusters:
          a: { endpoints: [10.0.0.1:80], retry_budget: { percent: 0%, minimum: 0 }, hedge_budget: { percent: 0%, minimum: 0 } }
          b: { endpoints: [10.0.0.1:80], retry_budget: { percent: 0% } }
        routes:
          - { path: /a, cluster: a, retry: {} }
          - { path: /b, cluster: b, retry: {} }
          - service: a.B
            clusters: { a: 1, b: 1 }
            methods: { Get: { retry: off }, Put: { retry: {} }, Ask: { idempotent: true, hedging: {} } }
        >>> martlet.yaml:5:36: routes[0].retry: warning: found retry before cluster "a", whose retry_budget allows none
        >>> martlet.yaml:9:51: routes[2].methods.Put.retry: warning: found a retry of a method not known to be idempotent: only calls that no upstream has executed are retried. Expected idempotent: true, a schema with idempotency_level, or on: [connect_failure, refused_stream]
        >>> martlet.yaml:9:51: routes[2].methods.Put.retry: warning: found retry before cluster "a", whose retry_budget allows none
        >>> martlet.yaml:9:91: routes[2].methods.Ask.hedging: warning: found hedging before cluster "a", whose hedge_budget allows none
        """#)
}

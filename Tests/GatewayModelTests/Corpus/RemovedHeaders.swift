extension WrongConfiguration {
    static let removedHeaders = corpus(
        #"""
        --- headers that nobody may set
        listeners: [{ name: in, address: 127.0.0.1:1, trusted_headers: [x-up] }]
        clusters: { orders: { endpoints: [10.0.0.1:80], load_balancing: { policy: maglev, hash: [header x-real-ip] } } }
        routes:
          - { path: /a, cluster: orders, allow: anyone, deny: { header: { x-real-ip: 192.0.2.1 } } }
          - { path: /b, cluster: orders, allow: anyone, limits: [{ count: 1, per: s, key: [header x-forwarded-for], when_missing: skip }] }
          - { path: /c, cluster: orders, allow: anyone, headers: { x-forwarded-proto: https, x-up: "1" } }
          - { path: /d, cluster: orders, allow: anyone, headers: { x-forwarded-proto: { present: false } } }
          - { path: /e, cluster: orders, allow: anyone, limits: [{ count: 1, per: s, when: { header: { X-Real-IP: "*" } } }] }
        >>> martlet.yaml:1:64: listeners[0].trusted_headers: warning: found without trusted_proxies: nobody may set these headers, and they are removed from every request
        >>> martlet.yaml:2:90: clusters.orders.load_balancing.hash[0]: warning: found x-real-ip, which is removed from every request, as trusted_proxies is empty: no call has this value. Expected address, or the proxies that set it in trusted_proxies
        >>> martlet.yaml:4:55: routes[0].deny: warning: found x-real-ip, which is removed from every request, as trusted_proxies is empty: the condition never holds. Expected address: [BLOCK], or the proxies that set it in trusted_proxies
        >>> martlet.yaml:5:58: routes[1].limits[0]: warning: found x-forwarded-for, which is removed from every request, as trusted_proxies is empty: no call has this key. Expected the key address, or the proxies that set it in trusted_proxies
        >>> martlet.yaml:6:79: routes[2].headers.x-forwarded-proto: warning: found x-forwarded-proto, which is removed from every request, as trusted_proxies is empty: nothing matches. Expected listeners: [NAME], or the proxies that set it in trusted_proxies
        >>> martlet.yaml:6:92: routes[2].headers.x-up: warning: found x-up, which is removed from every request, as trusted_proxies is empty: nothing matches. Expected the proxies that set it in trusted_proxies
        >>> martlet.yaml:8:84: routes[4].limits[0].when: warning: found x-real-ip, which is removed from every request, as trusted_proxies is empty: the condition never holds. Expected address: [BLOCK], or the proxies that set it in trusted_proxies
        --- headers that only claims set, and proxies that are everybody
        trusted_proxies: [10.0.0.0/8, 0.0.0.0/0]
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json, forward_claims: { x-user: sub } }] }
        routes:
          - { path: /a, cluster: orders, allow: anyone, deny: { header: { x_user: mallory } } }
          - { path: /b, cluster: orders, limits: [{ count: 1, per: s, key: [header x-user], when_missing: skip }] }
          - { path: /c, cluster: orders, headers: { x-user: a, x-real-ip: "*" } }
        >>> martlet.yaml:1:31: trusted_proxies[1]: warning: every peer is trusted: any client can choose its address, and set headers such as x-forwarded-for and x-real-ip
        >>> martlet.yaml:4:55: routes[0].deny: warning: found x_user, which is removed from every request, as forward_claims alone sends it: the condition never holds. Expected claim: { sub: … }
        >>> martlet.yaml:5:43: routes[1].limits[0]: warning: found x-user, which is removed from every request, as forward_claims alone sends it: no call has this key. Expected claim sub
        >>> martlet.yaml:6:53: routes[2].headers.x-user: warning: found x-user, which is removed from every request, as forward_claims alone sends it: nothing matches. Expected claim: { sub: … } in allow or deny: routes are chosen before tokens are read
        --- headers of connections, variables, and what not says
        clusters: { orders: { endpoints: [10.0.0.1:80] } }
        routes:
          - { path: /a, cluster: orders, allow: anyone, headers: { TE: trailers, expect: "*", x-a: "1" } }
          - { path: /b, cluster: orders, allow: { not: { header: { upgrade: h2c } } } }
          - { path: /c, cluster: orders, allow: anyone, deny: { not: { any: [{ header: { x-real-ip: "*" } }, { not: { header: { connection: close } } }] } } }
          - { path: /d, cluster: orders, allow: anyone, request_headers: { set: { x-a: "%{request.header.x-real-ip}", x-b: "%{request.header.x-forwarded-proto|http}" } } }
          - { path: /e, cluster: orders, allow: anyone, response_headers: { add: { x-a: "%{request.header.keep-alive}" } }, limits: [{ count: 1, per: s, key: [header transfer-encoding], when_missing: skip }] }
          - { path: /f, allow: anyone, redirect: { path: "/%{request.header.x-forwarded-prefix}" } }
          - { path: /g, cluster: orders, allow: anyone, error_response: { content_type: text/plain, body: "%{request.header.x-client-ip} %{request.header.x-request-id}" } }
          - { path: /h, cluster: orders, allow: anyone, headers: { te: { present: false } } }
        >>> martlet.yaml:3:64:  routes[0].headers.TE: warning: found te, which is removed from every request, as it says something of one connection: nothing matches. Expected another header
        >>> martlet.yaml:3:82:  routes[0].headers.expect: warning: found expect, which is removed from every request, as it says something of one connection: nothing matches. Expected another header
        >>> martlet.yaml:4:41:  routes[1].allow: warning: found conditions alone, which take the place of authenticated: callers without a token are allowed. Expected them in deny or on the route itself, or all: [authenticated, …]; all: [anyone, …] where everyone is meant
        >>> martlet.yaml:4:41:  routes[1].allow: warning: found upgrade, which is removed from every request, as it says something of one connection: the condition never holds, and so not always does. Expected another header
        >>> martlet.yaml:5:55:  routes[2].deny: warning: found x-real-ip, which is removed from every request, as trusted_proxies is empty: the condition never holds, and so not always does. Expected address: [BLOCK], or the proxies that set it in trusted_proxies
        >>> martlet.yaml:5:55:  routes[2].deny: warning: found connection, which is removed from every request, as it says something of one connection: the condition never holds. Expected another header
        >>> martlet.yaml:6:80:  routes[3].request_headers.set.x-a: warning: found x-real-ip, which is removed from every request, as trusted_proxies is empty: %{…} has no value. Expected %{client.address}, or the proxies that set it in trusted_proxies
        >>> martlet.yaml:6:116: routes[3].request_headers.set.x-b: warning: found x-forwarded-proto, which is removed from every request, as trusted_proxies is empty: %{…} has no value. Expected %{request.scheme}, or the proxies that set it in trusted_proxies
        >>> martlet.yaml:7:81:  routes[4].response_headers.add.x-a: warning: found keep-alive, which is removed from every request, as it says something of one connection: %{…} has no value. Expected another header
        >>> martlet.yaml:7:126: routes[4].limits[0]: warning: found transfer-encoding, which is removed from every request, as it says something of one connection: no call has this key. Expected another header
        >>> martlet.yaml:8:50:  routes[5].redirect.path: warning: found x-forwarded-prefix, which is removed from every request, as trusted_proxies is empty: %{…} has no value. Expected the proxies that set it in trusted_proxies
        >>> martlet.yaml:9:99:  routes[6].error_response.body: warning: found x-client-ip, which is removed from every request, as trusted_proxies is empty: %{…} has no value. Expected %{client.address}, or the proxies that set it in trusted_proxies
        >>> martlet.yaml:9:99:  routes[6].error_response.body: warning: found x-request-id, which is removed from every request, as trusted_proxies is empty: %{…} has no value. Expected %{request.id}, or the proxies that set it in trusted_proxies
        --- rewrites that lead around the rules of another route
        clusters: { orders: { endpoints: [10.0.0.1:80] }, other: { endpoints: [10.0.0.2:80] } }
        routes:
          - { path: /secret, cluster: orders, allow: { scopes: [a] } }
          - { prefix: /pub, cluster: orders, allow: anyone, rewrite: { prefix: / } }
          - { prefix: /other, cluster: other, allow: anyone, rewrite: { prefix: / } }
          - { prefix: /mine, cluster: orders, allow: { scopes: [a] }, rewrite: { prefix: / } }
          - { prefix: /api, cluster: orders, allow: anyone, rewrite: { prefix: /v1 } }
          - { prefix: /old, cluster: orders, allow: anyone, rewrite: { prefix: /admin/old } }
          - { prefix: /admin, cluster: orders }
          - { prefix: /standby, cluster: other, allow: anyone, fallback: { cluster: orders }, rewrite: { prefix: / } }
          - { path: { regex: '^/pages/(.*)$' }, cluster: orders, allow: anyone, rewrite: { path: '/$1' } }
          - { path: { regex: '^/guides/(.*)$' }, cluster: orders, allow: anyone, rewrite: { path: '/guides/$1.html' } }
          - { path: { regex: '^/staff/[a-z]+$' }, cluster: orders, allow: { scopes: [a] } }
          - { prefix: /team, cluster: orders, allow: anyone, rewrite: { prefix: /staff } }
          - { path: /one, cluster: orders, allow: anyone, rewrite: { path: /admin/one } }
          - { prefix: /copies, cluster: other, allow: anyone, mirror: { cluster: orders }, rewrite: { prefix: / } }
        >>> martlet.yaml:4:62:  routes[1].rewrite: warning: leads to paths of routes[0] ("/secret"), whose rules would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:8:62:  routes[5].rewrite: warning: leads to paths of routes[6] ("/admin"), whose rules would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:10:96: routes[7].rewrite: warning: leads to paths of routes[0] ("/secret"), whose rules would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:11:82: routes[8].rewrite: warning: leads to paths of routes[0] ("/secret"), whose rules would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:14:63: routes[11].rewrite: warning: leads to paths of routes[10] ("^/staff/[a-z]+$"), whose rules would not apply: nothing is matched again behind a rewrite
        >>> martlet.yaml:16:93: routes[13].rewrite: warning: leads to paths of routes[0] ("/secret"), whose rules would not apply: nothing is matched again behind a rewrite
        """#)
}

extension WrongConfiguration {
    static let rules = corpus(
        #"""
        --- rules that are none
        routes:
          - { path: /a, cluster: orders, allow: everyone }
          - { path: /b, cluster: orders, allow: authenticate }
          - { path: /c, cluster: orders, allow: {} }
          - { path: /d, cluster: orders, allow: [anyone] }
          - { path: /e, cluster: orders, allow: { scopes: orders.read } }
          - { path: /f, cluster: orders, allow: { scopes: [] } }
          - { path: /g, cluster: orders, allow: { scopes: ["a b"] } }
          - { path: /h, cluster: orders, allow: { any: [] } }
          - { path: /i, cluster: orders, allow: { roles: [admin] } }
          - { path: /j, cluster: orders, allow: { adress: [10.0.0.0/8] } }
        >>> martlet.yaml:2:41:  routes[0].allow: found "everyone", expected anyone, authenticated, or a mapping such as { scopes: [orders.read] }
        >>> martlet.yaml:3:41:  routes[1].allow: found "authenticate", expected anyone, authenticated, or a mapping such as { scopes: [orders.read] }; did you mean "authenticated"?
        >>> martlet.yaml:4:41:  routes[2].allow: found no condition, expected any, all, not, scopes, claim, header, http_method, address or client_certificate
        >>> martlet.yaml:5:41:  routes[3].allow: found a list, expected anyone, authenticated, or a mapping such as { scopes: [orders.read] }
        >>> martlet.yaml:7:51:  routes[5].allow.scopes: found an empty list, expected a list, each a scope without blanks such as orders.read
        >>> martlet.yaml:8:52:  routes[6].allow.scopes[0]: found "a b", expected a scope without blanks such as orders.read
        >>> martlet.yaml:9:48:  routes[7].allow.any: found an empty list, expected a list, each anyone, authenticated, or a mapping such as { scopes: [orders.read] }
        >>> martlet.yaml:10:43: routes[8].allow.roles: unknown key, expected name, mode, any, all, not, scopes, claim, header, http_method, address or client_certificate
        >>> martlet.yaml:11:43: routes[9].allow.adress: unknown key; did you mean "address"?
        --- conditions that are none
        routes:
          - { path: /a, cluster: orders, allow: { claim: { "https://acme.dev/role": admin } } }
          - { path: /b, cluster: orders, allow: { claim: { role: [] } } }
          - { path: /c, cluster: orders, allow: { claim: [{ path: role }] } }
          - { path: /d, cluster: orders, allow: { claim: role } }
          - { path: /e, cluster: orders, allow: { address: [10.0.0.1/8] } }
          - { path: /f, cluster: orders, deny: { header: { ":authority": "*" } } }
          - { path: /g, cluster: orders, deny: { any: [{ not: nobody }, { all: [{ scope: [a] }] }] } }
        >>> martlet.yaml:2:52: routes[0].allow.claim["https://acme.dev/role"]: found "https://acme.dev/role", expected a claim such as role or realm.role; for other names write a list: [{ path: [NAME], exact: VALUE }]
        >>> martlet.yaml:3:58: routes[1].allow.claim.role: found an empty list, expected a value, "*" for any, a list of them, or a mapping with exact, prefix, suffix, regex, present, file, minimum or maximum
        >>> martlet.yaml:4:51: routes[2].allow.claim[0]: found no value to compare with, expected exact, prefix, suffix, regex, present, file, minimum or maximum
        >>> martlet.yaml:5:50: routes[3].allow.claim: found "role", expected a mapping of claims to values, such as { role: admin }
        >>> martlet.yaml:6:53: routes[4].allow.address[0]: found "10.0.0.1/8", expected the first address of a block, such as 10.0.0.0/8
        >>> martlet.yaml:7:52: routes[5].deny.header[":authority"]: found ":authority", expected a header; authority and path have keys of their own
        >>> martlet.yaml:8:55: routes[6].deny.any[0].not: found "nobody", expected anyone, authenticated, or a mapping such as { scopes: [orders.read] }
        >>> martlet.yaml:8:75: routes[6].deny.any[1].all[0].scope: unknown key; did you mean "scopes"?
        --- what is asked of claims and headers
        routes:
          - { path: /a, cluster: orders, allow: { claim: [{ path: [role], is: admin }] } }
          - { path: /b, cluster: orders, allow: { claim: { realm: { role: admin } } } }
          - { path: /c, cluster: orders, allow: { claim: { role: { exakt: admin } } } }
          - { path: /d, cluster: orders, allow: { claim: { age: { minimum: adult } } } }
          - { path: /e, cluster: orders, allow: { claim: { age: { minimum: 65, maximum: 18 } } } }
          - { path: /f, cluster: orders, allow: { claim: { age: { maximum: 18, exact: "7" } } } }
          - { path: /g, cluster: orders, deny: { header: { x-a: { regex: "(" } } } }
          - { path: /h, cluster: orders, deny: { header: { x-a: { prefix: "" } } } }
          - { path: /i, cluster: orders, deny: { claim: { jti: { file: [a.txt] } } } }
          - { path: /j, cluster: orders, deny: { header: { X-A: a, x-a: b } } }
        >>> martlet.yaml:2:71:  routes[0].allow.claim[0].is: found "is", expected "exact" in its place
        >>> martlet.yaml:3:59:  routes[1].allow.claim.realm: found a mapping with "role", expected one with exact, prefix, suffix, regex, present, file, minimum or maximum; of a claim inside another write realm.role
        >>> martlet.yaml:4:60:  routes[2].allow.claim.role.exakt: unknown key; did you mean "exact"?
        >>> martlet.yaml:5:68:  routes[3].allow.claim.age.minimum: found "adult", expected a whole number of at most 2^53, such as 18 or -1
        >>> martlet.yaml:6:81:  routes[4].allow.claim.age.maximum: found 18, expected at least the minimum of 65
        >>> martlet.yaml:7:68:  routes[5].allow.claim.age.maximum: found beside "exact", expected only one of the two
        >>> martlet.yaml:8:66:  routes[6].deny.header.x-a.regex: found "(", expected a regular expression in RE2's syntax: missing ): (
        >>> martlet.yaml:9:67:  routes[7].deny.header.x-a.prefix: found "", expected a text; { present: true } for any value
        >>> martlet.yaml:10:64: routes[8].deny.claim.jti.file: found a list, expected the path of a file with a value on each line
        >>> martlet.yaml:11:60: routes[9].deny.header.x-a: found "x-a" twice, expected each header once
        --- HTTP methods of rules
        routes:
          - { path: /a, cluster: web, allow: { http_method: get } }
          - { path: /b, cluster: web, allow: { http_method: [GET, GET] } }
          - { path: /c, cluster: web, deny: { http_method: [] } }
          - { path: /d, cluster: web, deny: { http_methods: [PUT] } }
          - { service: a.B, cluster: orders, deny: { http_method: [POST, GET] }, methods: { Get: { allow: { not: { http_method: HEAD } } } } }
        clusters: { orders: { endpoints: [10.0.0.1:80] }, web: { endpoints: [10.0.0.1:80], protocol: http1 } }
        >>> martlet.yaml:2:53: routes[0].allow.http_method: found "get", expected an HTTP method such as GET, or a list of them; methods are case-sensitive: GET
        >>> martlet.yaml:3:59: routes[1].allow.http_method[1]: found "GET" twice, expected each method once
        >>> martlet.yaml:4:52: routes[2].deny.http_method: found an empty list, expected an HTTP method such as GET, or a list of them
        >>> martlet.yaml:5:39: routes[3].deny.http_methods: unknown key; did you mean "http_method"?
        >>> martlet.yaml:6:44: routes[4].deny: warning: found http_method "GET", expected POST: without a schema of its cluster, no call of a service has another method
        >>> martlet.yaml:6:99: routes[4].methods.Get.allow: warning: found http_method "HEAD", expected POST: without a schema of its cluster, no call of a service has another method
        >>> martlet.yaml:6:99: routes[4].methods.Get.allow: warning: found conditions alone, which take the place of authenticated: callers without a token are allowed. Expected them in deny or on the route itself, or all: [authenticated, …]; all: [anyone, …] where everyone is meant
        --- names and modes
        routes:
          - { path: /a, cluster: orders, allow: { name: "a b", scopes: [a] } }
          - { path: /b, cluster: orders, allow: { mode: enforce, scopes: [a] } }
          - { path: /c, cluster: orders, allow: { any: [{ name: inner, scopes: [a] }] } }
        >>> martlet.yaml:2:49: routes[0].allow.name: found "a b", expected a name of letters, digits, _, - and .
        >>> martlet.yaml:3:49: routes[1].allow.mode: found "enforce", expected shadow
        >>> martlet.yaml:4:51: routes[2].allow.any[0].name: unknown key, expected any, all, not, scopes, claim, header, http_method, address or client_certificate
        --- two rules with one name
        routes:
          - { path: /a, cluster: orders, allow: { name: readers, scopes: [a] } }
          - { path: /b, cluster: orders, allow: { name: readers, scopes: [b] } }
        >>> martlet.yaml:3:41: routes[1].allow: found the name "readers", which another rule has, expected one of its own
        --- callers that nobody could know
        without: authentication
        routes:
          - { path: /a, cluster: orders }
          - { path: /b, cluster: orders, allow: { any: [{ scopes: [a] }, { address: [10.0.0.0/8] }] } }
          - { path: /c, cluster: orders, allow: anyone, deny: { claim: { role: guest } } }
          - { service: a.B, cluster: orders, allow: anyone, methods: { Get: { allow: authenticated } } }
          - { path: /d, cluster: orders, allow: { mode: shadow, address: [10.0.0.0/8] } }
        >>> martlet.yaml:2:5:  routes[0]: found no allow, so only authenticated callers may call, expected authentication in this file, or allow: anyone
        >>> martlet.yaml:3:41: routes[1].allow: asks for a token, expected authentication in this file
        >>> martlet.yaml:4:55: routes[2].deny: asks for a token, expected authentication in this file
        >>> martlet.yaml:5:78: routes[3].methods.Get.allow: asks for a token, expected authentication in this file
        >>> martlet.yaml:6:5:  routes[4]: found allow only in shadow, so only authenticated callers may call, expected authentication in this file, or allow: anyone
        --- client certificates that nobody is asked for
        listeners: [{ address: 127.0.0.1:1, tls: { certificate: a.pem, private_key: a.key } }]
        routes: [{ cluster: orders, allow: { client_certificate: [billing] } }]
        >>> martlet.yaml:2:36: routes[0].allow: asks for a client certificate, expected client_ca at a listener
        --- conditions in the place of a caller
        routes:
          - { path: /a, cluster: orders, allow: { http_method: [GET] } }
          - { path: /b, cluster: orders, allow: { any: [{ http_method: GET }, { not: { header: { x-a: "1" } } }] } }
          - { path: /c, cluster: orders, allow: { all: [anyone, { http_method: [GET] }] } }
          - { path: /d, cluster: orders, allow: { all: [authenticated, { http_method: [GET] }] } }
          - { path: /e, cluster: orders, allow: { any: [{ scopes: [a] }, { http_method: [GET] }] } }
          - { path: /f, cluster: orders, allow: { address: [10.0.0.0/8] } }
          - { path: /g, cluster: orders, allow: { mode: shadow, http_method: [GET] } }
          - { service: a.B, cluster: orders, methods: { Get: { allow: { header: { x-a: "*" } } } } }
        >>> martlet.yaml:2:41: routes[0].allow: warning: found conditions alone, which take the place of authenticated: callers without a token are allowed. Expected them in deny or on the route itself, or all: [authenticated, …]; all: [anyone, …] where everyone is meant
        >>> martlet.yaml:3:41: routes[1].allow: warning: found conditions alone, which take the place of authenticated: callers without a token are allowed. Expected them in deny or on the route itself, or all: [authenticated, …]; all: [anyone, …] where everyone is meant
        >>> martlet.yaml:9:63: routes[7].methods.Get.allow: warning: found conditions alone, which take the place of authenticated: callers without a token are allowed. Expected them in deny or on the route itself, or all: [authenticated, …]; all: [anyone, …] where everyone is meant
        """#)
}

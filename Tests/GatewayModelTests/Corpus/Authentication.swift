extension WrongConfiguration {
    static let authentication = corpus(
        #"""
        --- no issuer
        authentication: { issuers: [] }
        >>> martlet.yaml:1:28: authentication.issuers: found an empty list, expected a list of issuers, each a mapping with issuer, audiences and jwks
        --- issuers left out
        authentication: { tenant: claim tenant }
        >>> martlet.yaml:1:17: authentication: the key "issuers" is missing, expected a list of issuers, each a mapping with issuer, audiences and jwks
        --- an issuer without what it needs
        authentication: { issuers: [{ leeway: 1s }] }
        >>> martlet.yaml:1:29: authentication.issuers[0]: the key "issuer" is missing, expected the text of the iss claim
        >>> martlet.yaml:1:29: authentication.issuers[0]: the key "audiences" is missing, expected a list, each the text of an aud claim, or any
        >>> martlet.yaml:1:29: authentication.issuers[0]: the key "jwks" is missing, expected a file with a JSON Web Key Set, an https URL, or a mapping with keys
        --- no audience
        authentication: { issuers: [{ issuer: i, audiences: [], jwks: k.json }] }
        >>> martlet.yaml:1:53: authentication.issuers[0].audiences: found an empty list, expected a list, each the text of an aud claim, or any
        --- an issuer twice
        authentication:
          issuers:
            - { issuer: i, audiences: [a], jwks: k.json }
            - { issuer: i, audiences: [b], jwks: l.json }
        >>> martlet.yaml:4:17: authentication.issuers[1].issuer: found "i" twice, expected each issuer once
        --- keys fetched in the clear, with a password, with a fragment
        authentication:
          issuers:
            - { issuer: a, audiences: [a], jwks: "http://auth.acme.dev/keys" }
            - { issuer: b, audiences: [a], jwks: "https://u:hunter2@auth.acme.dev/keys" }
            - { issuer: c, audiences: [a], jwks: "https://auth.acme.dev/keys#1" }
            - { issuer: d, audiences: [a], jwks: "https://" }
        >>> martlet.yaml:3:42: authentication.issuers[0].jwks: found "http://auth.acme.dev/keys", expected an https URL without user, password and fragment; jwks_insecure: true takes http
        >>> martlet.yaml:4:42: authentication.issuers[1].jwks: found "https://***@auth.acme.dev/keys", expected an https URL without user, password and fragment
        >>> martlet.yaml:5:42: authentication.issuers[2].jwks: found "https://auth.acme.dev/keys#1", expected an https URL without user, password and fragment
        >>> martlet.yaml:6:42: authentication.issuers[3].jwks: found "https://", expected an https URL without user, password and fragment
        --- a CA for keys that are not fetched
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json, jwks_ca: ca.pem }] }
        >>> martlet.yaml:1:81: authentication.issuers[0].jwks_ca: expected no jwks_ca here: only keys fetched over https need one
        --- keys inline that are none
        authentication:
          issuers:
            - { issuer: a, audiences: [a], jwks: { keys: [] } }
            - { issuer: b, audiences: [a], jwks: { keys: [{ n: abc }, text] } }
            - { issuer: c, audiences: [a], jwks: { key: [] } }
        >>> martlet.yaml:3:50: authentication.issuers[0].jwks.keys: found an empty list, expected a list, each a JSON Web Key, a mapping with kty
        >>> martlet.yaml:4:51: authentication.issuers[1].jwks.keys[0]: the key "kty" is missing, expected a JSON Web Key
        >>> martlet.yaml:4:63: authentication.issuers[1].jwks.keys[1]: found "text", expected a JSON Web Key, a mapping with kty
        >>> martlet.yaml:5:44: authentication.issuers[2].jwks.key: unknown key; did you mean "keys"?
        --- a symmetric key written out, and one that is not
        authentication:
          issuers:
            - { issuer: a, audiences: [a], jwks: { keys: [{ kty: oct, alg: HS256, k: hunter2 }] } }
            - { issuer: b, audiences: [a], jwks: { keys: [{ kty: oct, alg: HS256, k: "${SECRET}" }] } }
        >>> martlet.yaml:3:78: authentication.issuers[0].jwks.keys[0].k: warning: the secret is written out in this file; better ${NAME} for an environment variable
        --- an algorithm that no RSA key has, and one misspelt
        authentication:
          issuers:
            - { issuer: a, audiences: [a], jwks: k.json, algorithm: HS256 }
            - { issuer: b, audiences: [a], jwks: k.json, algorithm: rs256 }
            - { issuer: c, audiences: [a], jwks: k.json, algorithm: none }
        >>> martlet.yaml:3:61: authentication.issuers[0].algorithm: found "HS256", expected RS256, RS384, RS512, PS256, PS384 or PS512
        >>> martlet.yaml:4:61: authentication.issuers[1].algorithm: found "rs256", expected RS256, RS384, RS512, PS256, PS384 or PS512
        >>> martlet.yaml:5:61: authentication.issuers[2].algorithm: found "none", expected RS256, RS384, RS512, PS256, PS384 or PS512
        --- clocks further apart than clocks are
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json, leeway: 601s }] }
        >>> martlet.yaml:1:80: authentication.issuers[0].leeway: found "601s", expected a duration such as 250ms or 5s, at most 10m
        --- headers that no claim may be sent as
        authentication:
          issuers:
            - issuer: i
              audiences: [a]
              jwks: k.json
              forward_claims:
                ":path": a
                Connection: a
                TE: a
                grpc-timeout: a
                Host: a
                Authorization: a
                content-type: a
                x-forwarded-for: a
                x-data-bin: a
                x tenant: a
                x-tenant: a
                X-Tenant: b
        >>> martlet.yaml:7:9:  authentication.issuers[0].forward_claims[":path"]: found ":path", expected a header: pseudo-headers are made by HTTP
        >>> martlet.yaml:8:9:  authentication.issuers[0].forward_claims.Connection: found "Connection", expected a header that is not hop-by-hop
        >>> martlet.yaml:9:9:  authentication.issuers[0].forward_claims.TE: found "TE", expected a header that is not hop-by-hop
        >>> martlet.yaml:10:9: authentication.issuers[0].forward_claims.grpc-timeout: found "grpc-timeout", expected a header that is not gRPC's own
        >>> martlet.yaml:11:9: authentication.issuers[0].forward_claims.Host: found "Host", expected a header other than host
        >>> martlet.yaml:12:9: authentication.issuers[0].forward_claims.Authorization: found "Authorization", expected a header other than authorization; forward_token: true sends the token
        >>> martlet.yaml:13:9: authentication.issuers[0].forward_claims.content-type: found "content-type", expected a header that does not describe the body
        >>> martlet.yaml:14:9: authentication.issuers[0].forward_claims.x-forwarded-for: found "x-forwarded-for", expected a header that the gateway does not set itself
        >>> martlet.yaml:15:9: authentication.issuers[0].forward_claims.x-data-bin: found "x-data-bin", expected a header without -bin: gRPC takes such values for base64
        >>> martlet.yaml:16:9: authentication.issuers[0].forward_claims["x tenant"]: found "x tenant", expected a header name: letters, digits and !#$%&'*+-.^_`|~
        >>> martlet.yaml:18:9: authentication.issuers[0].forward_claims.X-Tenant: found "x-tenant" twice, expected each header once
        --- claims that are not written so
        authentication:
          issuers: [{ issuer: i, audiences: [a], jwks: k.json, forward_claims: { x-a: a..b, x-b: "https://acme.dev/b", x-c: [] } }]
          tenant: tenant
          plan: claim a b
        >>> martlet.yaml:2:79:  authentication.issuers[0].forward_claims.x-a: found "a..b", expected a claim such as tenant or realm.tenant, or a list of names such as ["https://acme.dev/tenant"]
        >>> martlet.yaml:2:90:  authentication.issuers[0].forward_claims.x-b: found "https://acme.dev/b", expected a claim such as tenant or realm.tenant, or a list of names such as ["https://acme.dev/tenant"]
        >>> martlet.yaml:2:117: authentication.issuers[0].forward_claims.x-c: found an empty list, expected a list of the names to descend, such as [realm, tenant]
        >>> martlet.yaml:3:11:  authentication.tenant: found "tenant", expected claim P, such as claim tenant or claim realm.tenant
        >>> martlet.yaml:4:9:   authentication.plan: found "claim a b", expected claim P or header H, such as claim plan or header x-plan
        --- a plan without a tenant, a default without a plan
        authentication:
          issuers: [{ issuer: i, audiences: [a], jwks: k.json }]
          default_plan: free
        plans: { free: { limits: [1/s] } }
        >>> martlet.yaml:3:17: authentication.default_plan: found without plan, expected beside it
        >>> martlet.yaml:4:8:  plans: found without authentication.plan: no caller would have one of them
        --- plans are per tenant
        authentication:
          issuers: [{ issuer: i, audiences: [a], jwks: k.json }]
          plan: claim plan
        plans: { free: { limits: [1/s] } }
        >>> martlet.yaml:3:9: authentication.plan: found without tenant, expected beside it: a plan's limits are per tenant
        --- failed logins and the token cache
        authentication:
          issuers: [{ issuer: i, audiences: [a], jwks: k.json }]
          failed_logins: 10 per second
          token_cache: 0
        >>> martlet.yaml:3:18: authentication.failed_logins: found "10 per second", expected a rate such as 10/s or 10/s burst 100, or off
        >>> martlet.yaml:4:16: authentication.token_cache: found "0", expected a whole number from 1 to 10000000, or off
        --- any audience, audiences elsewhere, and keys fetched in the clear
        authentication:
          issuers:
            - { issuer: a, audiences: any, jwks: k.json }
            - { issuer: b, audiences: any, audience_claim: client_id, jwks: k.json }
            - { issuer: c, audiences: [any], audience_claim: "client id", jwks: k.json }
            - { issuer: d, audiences: [a], jwks: "http://auth.internal/keys", jwks_insecure: true }
            - { issuer: e, audiences: [a], jwks: "http://auth.internal/keys", jwks_insecure: true, jwks_ca: ca.pem }
            - { issuer: f, audiences: [a], jwks: "https://auth.internal/keys", jwks_insecure: true }
            - { issuer: g, audiences: [a], jwks: k.json, jwks_insecure: yes }
            - { issuer: h, audiences: [a], jwks: "http://u:p@auth.internal/keys", jwks_insecure: true }
            - { issuer: i, audiences: ["*", a], jwks: k.json }
        >>> martlet.yaml:3:31:  authentication.issuers[0].audiences: warning: found any: tokens of this issuer count here whichever service they were issued for
        >>> martlet.yaml:4:31:  authentication.issuers[1].audiences: warning: found any: tokens of this issuer count here whichever service they were issued for
        >>> martlet.yaml:4:52:  authentication.issuers[1].audience_claim: found beside audiences: any, expected the audiences to compare it with
        >>> martlet.yaml:5:54:  authentication.issuers[2].audience_claim: found "client id", expected a claim such as tenant or realm.tenant, or a list of names such as ["https://acme.dev/tenant"]
        >>> martlet.yaml:6:42:  authentication.issuers[3].jwks: warning: keys are fetched in cleartext: an attacker on the network path can replace them and mint tokens
        >>> martlet.yaml:7:42:  authentication.issuers[4].jwks: warning: keys are fetched in cleartext: an attacker on the network path can replace them and mint tokens
        >>> martlet.yaml:7:101: authentication.issuers[4].jwks_ca: expected no jwks_ca here: only keys fetched over https need one
        >>> martlet.yaml:8:87:  authentication.issuers[5].jwks_insecure: expected no jwks_insecure here: only keys fetched over http need it
        >>> martlet.yaml:9:65:  authentication.issuers[6].jwks_insecure: found "yes", expected true or false
        >>> martlet.yaml:10:42: authentication.issuers[7].jwks: found "http://***@auth.internal/keys", expected an https URL without user, password and fragment
        >>> martlet.yaml:11:32: authentication.issuers[8].audiences[0]: found "*", expected the text of an aud claim; for any audience write audiences: any
        --- what routes do with credentials
        authentication:
          issuers:
            - { name: own, issuer: i, audiences: [a], jwks: k.json }
            - { name: own, issuer: j, audiences: [a], jwks: k.json }
            - { name: a b, issuer: k, audiences: [a], jwks: k.json }
        routes:
          - { path: /a, cluster: orders, authentication: false }
          - { path: /b, cluster: orders, authentication: ignore }
          - { path: /c, cluster: orders, authentication: own }
          - { path: /d, cluster: orders, authentication: [] }
          - { path: /e, cluster: orders, authentication: [owm, own, own, k] }
          - { path: /f, cluster: orders, authentication: off }
          - { path: /g, cluster: orders, authentication: off, allow: { mode: shadow, address: [10.0.0.0/8] } }
          - { path: /h, cluster: orders, authentication: off, allow: anyone, deny: { not: { claim: { role: a } } } }
          - { service: a.B, cluster: orders, authentication: off, allow: anyone, methods: { Get: { allow: authenticated } } }
          - { path: /i, cluster: orders, authentication: off, allow: anyone, limits: [1/s per tenant] }
          - { path: /j, cluster: orders, authentication: off, allow: anyone, request_headers: { set: { x-a: "%{claim.sub|none}" } } }
          - { path: /k, clusters: { orders: 1, web: 1 }, sticky: [header x-a, claim sub], authentication: off, allow: anyone }
          - { path: /l, cluster: orders, authentication: off, allow: { header: { x-a: "*" }, address: [10.0.0.0/8] } }
        clusters: { orders: { endpoints: [10.0.0.1:80] }, web: { endpoints: [10.0.0.1:80] } }
        >>> martlet.yaml:4:15:   authentication.issuers[1].name: found "own", which another issuer has, expected a name of its own
        >>> martlet.yaml:5:15:   authentication.issuers[2].name: found "a b", expected a name of letters, digits, _, - and .
        >>> martlet.yaml:7:50:   routes[0].authentication: found "false", expected on, off, ignore_invalid, or a list of names of issuers; did you mean "off"?
        >>> martlet.yaml:8:50:   routes[1].authentication: found "ignore", expected on, off, ignore_invalid, or a list of names of issuers; did you mean "ignore_invalid"?
        >>> martlet.yaml:9:50:   routes[2].authentication: found "own", expected on, off, ignore_invalid, or a list of names of issuers; of one issuer write [own]
        >>> martlet.yaml:10:50:  routes[3].authentication: found an empty list, expected on, off, ignore_invalid, or a list of names of issuers
        >>> martlet.yaml:11:51:  routes[4].authentication[0]: found "owm", expected the name of an issuer; did you mean "own"?
        >>> martlet.yaml:11:61:  routes[4].authentication[2]: found "own" twice, expected each issuer once
        >>> martlet.yaml:12:50:  routes[5].authentication: found off where only authenticated callers may call, expected allow: anyone, or a rule without identity, beside it
        >>> martlet.yaml:13:50:  routes[6].authentication: found off where only authenticated callers may call, expected allow: anyone, or a rule without identity, beside it
        >>> martlet.yaml:14:76:  routes[7].deny: asks for a token, which authentication: off does not look at, expected rules without identity
        >>> martlet.yaml:15:99:  routes[8].methods.Get.allow: asks for a token, which authentication: off does not look at, expected rules without identity
        >>> martlet.yaml:16:79:  routes[9].limits[0]: found "1/s per tenant" where callers without a token are allowed, expected keys that every caller has
        >>> martlet.yaml:17:101: routes[10].request_headers.set.x-a: found %{claim.sub} on a route with authentication: off, expected none of an identity
        >>> martlet.yaml:18:71:  routes[11].sticky[1]: found "claim sub", expected none of an identity beside authentication: off
        --- credentials that no route looks at
        without: authentication
        routes:
          - { path: /a, cluster: orders, allow: anyone, authentication: off }
          - { path: /b, cluster: orders, allow: anyone, authentication: on }
          - { path: /c, cluster: orders, allow: anyone, authentication: ignore_invalid }
          - { path: /d, cluster: orders, allow: anyone, authentication: [own] }
          - { path: /e, cluster: orders, allow: anyone, authentication: none }
          - { path: /f, cluster: orders, allow: anyone, authentication: optional }
        >>> martlet.yaml:4:65: routes[2].authentication: expected authentication in this file: no credentials are looked at
        >>> martlet.yaml:5:65: routes[3].authentication: expected authentication in this file: no credentials are looked at
        >>> martlet.yaml:6:65: routes[4].authentication: found "none", expected on, off, ignore_invalid, or a list of names of issuers; did you mean "off"?
        >>> martlet.yaml:7:65: routes[5].authentication: found "optional", expected on, off, ignore_invalid, or a list of names of issuers; did you mean "ignore_invalid"?
        --- a boolean in YAML 1.1's fashion
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json, forward_token: yes }] }
        >>> martlet.yaml:1:87: authentication.issuers[0].forward_token: found "yes", expected true or false
        """#)
}

extension WrongConfiguration {
    static let gzip = corpus(
        #"""
        --- what is no setting of gzip
        routes:
          - { path: /a, cluster: orders, gzip: true }
          - { path: /b, cluster: orders, gzip: { types: [text/html], min_length: 20, level: 5 } }
          - { path: /c, cluster: orders, gzip: { min_bytes: 1024 } }
          - { path: /d, cluster: orders, gzip: { with_credentials: on } }
          - { path: /e, respond: { status: 200, body: a }, gzip: on }
        >>> martlet.yaml:2:40: routes[0].gzip: found "true", expected on, off, or a mapping with content_types, min_bytes or with_credentials
        >>> martlet.yaml:3:40: routes[1].gzip: warning: compresses nothing: all callers of the route have tokens, and answers to requests with one are left as they are. Expected with_credentials: true, where answers hold no secret beside what callers choose
        >>> martlet.yaml:3:42: routes[1].gzip.types: unknown key, expected content_types, min_bytes or with_credentials
        >>> martlet.yaml:3:62: routes[1].gzip.min_length: unknown key, expected content_types, min_bytes or with_credentials
        >>> martlet.yaml:3:78: routes[1].gzip.level: unknown key, expected content_types, min_bytes or with_credentials
        >>> martlet.yaml:4:40: routes[2].gzip: warning: compresses nothing: all callers of the route have tokens, and answers to requests with one are left as they are. Expected with_credentials: true, where answers hold no secret beside what callers choose
        >>> martlet.yaml:4:53: routes[2].gzip.min_bytes: found "1024", expected a size such as 60KiB or 1MiB, at least 1B; with its unit: 1024B
        >>> martlet.yaml:5:40: routes[3].gzip: warning: compresses nothing: all callers of the route have tokens, and answers to requests with one are left as they are. Expected with_credentials: true, where answers hold no secret beside what callers choose
        >>> martlet.yaml:5:60: routes[3].gzip.with_credentials: found "on", expected true or false
        >>> martlet.yaml:6:58: routes[4].gzip: found beside "respond", expected beside a cluster: nothing is sent upstream
        --- content types that are none, or are never compressed
        gzip: { content_types: [text, "*/*", Text/html, "text/h*", "application/*json", "text/html; charset=utf-8", text/event-stream, application/grpc-web] }
        >>> martlet.yaml:1:7:   gzip: warning: compresses nothing: all callers of the routes that have it have tokens, and answers to requests with one are left as they are. Expected with_credentials: true, where answers hold no secret beside what callers choose
        >>> martlet.yaml:1:25:  gzip.content_types[0]: found "text", expected a media type in lower case, such as application/json, text/* or application/*+json
        >>> martlet.yaml:1:31:  gzip.content_types[1]: found "*/*", expected a media type in lower case, such as application/json, text/* or application/*+json
        >>> martlet.yaml:1:38:  gzip.content_types[2]: found "Text/html", expected a media type in lower case, such as application/json, text/* or application/*+json
        >>> martlet.yaml:1:49:  gzip.content_types[3]: found "text/h*", expected a media type in lower case, such as application/json, text/* or application/*+json
        >>> martlet.yaml:1:60:  gzip.content_types[4]: found "application/*json", expected a media type in lower case, such as application/json, text/* or application/*+json
        >>> martlet.yaml:1:81:  gzip.content_types[5]: found "text/html; charset=utf-8", expected a media type in lower case, such as application/json, text/* or application/*+json
        >>> martlet.yaml:1:109: gzip.content_types[6]: found "text/event-stream", expected a media type in lower case, such as application/json, text/* or application/*+json; streams of events and of RPCs are never compressed as a whole
        >>> martlet.yaml:1:128: gzip.content_types[7]: found "application/grpc-web", expected a media type in lower case, such as application/json, text/* or application/*+json; streams of events and of RPCs are never compressed as a whole
        --- where it would compress nothing
        routes:
          - { service: acme.v1.Orders, cluster: orders, allow: anyone, gzip: on }
          - { service: acme.v1.Users, cluster: orders, allow: anyone, gzip: off }
        >>> martlet.yaml:2:70: routes[0].gzip: warning: found on a route of RPCs, expected it where a backend of plain HTTP answers: RPCs compress their messages themselves, and JSON made of them is compressed where nothing is said
        --- where every caller has a token
        authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json }] }
        clusters: { orders: { endpoints: [10.0.0.1:80] }, web: { endpoints: [10.0.0.1:80], protocol: http1 } }
        gzip: on
        routes:
          - { path: /a, cluster: web, gzip: on }
          - { path: /b, cluster: web, gzip: { min_bytes: 2KiB }, allow: { any: [{ scopes: [a] }, { claim: { role: admin } }] } }
          - { path: /c, cluster: web, gzip: { with_credentials: true } }
          - { path: /d, cluster: web, gzip: on, allow: { any: [authenticated, { address: [10.0.0.0/8] }] } }
          - { path: /e, cluster: web, gzip: on, allow: anyone }
          - { path: /f, cluster: web }
          - { path: /g, cluster: web, allow: { not: { claim: { role: guest } } } }
          - { service: acme.v1.Orders, cluster: orders, gzip: on }
        >>> martlet.yaml:3:7:   gzip: warning: compresses nothing: all callers of the routes that have it have tokens, and answers to requests with one are left as they are. Expected with_credentials: true, where answers hold no secret beside what callers choose
        >>> martlet.yaml:5:37:  routes[0].gzip: warning: compresses nothing: all callers of the route have tokens, and answers to requests with one are left as they are. Expected with_credentials: true, where answers hold no secret beside what callers choose
        >>> martlet.yaml:6:37:  routes[1].gzip: warning: compresses nothing: all callers of the route have tokens, and answers to requests with one are left as they are. Expected with_credentials: true, where answers hold no secret beside what callers choose
        >>> martlet.yaml:12:55: routes[7].gzip: warning: found on a route of RPCs, expected it where a backend of plain HTTP answers: RPCs compress their messages themselves, and JSON made of them is compressed where nothing is said
        """#)
}

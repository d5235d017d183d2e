extension WrongConfiguration {
    static let routes = corpus(
        #"""
        --- an expression of a path's beginning, and a prefix within path
        listeners: [{ address: 127.0.0.1:80 }]
        clusters: { web: { endpoints: [10.0.0.1:80], protocol: http1 } }
        routes:
          - { path: { regex: "^/api" }, cluster: web, allow: anyone }
          - { path: { regex: "^/one$" }, cluster: web, allow: anyone }
          - { path: { prefix: /x }, cluster: web, allow: anyone }
        >>> martlet.yaml:4:22: routes[0].path.regex: warning: takes "/api" alone, because an expression is always of the whole path; for all below it too write prefix: /api
        >>> martlet.yaml:6:15: routes[2].path.prefix: found prefix in path, expected it on the route itself, in place of path
        --- pages of origins that are none
        routes: [{ cluster: orders, allow: anyone, cors: { origins: [app.acme.dev, "https://a/", "https://A", "https://a:443", "*"], credentials: true, headers: [X-A] } }]
        >>> martlet.yaml:1:62:  routes[0].cors.origins[0]: found "app.acme.dev", expected an origin such as https://app.acme.dev, https://*.acme.dev, http://localhost:* or *
        >>> martlet.yaml:1:76:  routes[0].cors.origins[1]: found "https://a/", expected an origin such as https://app.acme.dev, https://*.acme.dev, http://localhost:* or *; an origin has no path, nor a slash at its end
        >>> martlet.yaml:1:90:  routes[0].cors.origins[2]: found "https://A", expected an origin such as https://app.acme.dev, https://*.acme.dev, http://localhost:* or *; browsers send origins in lower case
        >>> martlet.yaml:1:103: routes[0].cors.origins[3]: found "https://a:443", expected an origin such as https://app.acme.dev, https://*.acme.dev, http://localhost:* or *; browsers leave out the default port
        >>> martlet.yaml:1:155: routes[0].cors.headers[0]: found "X-A", expected a header's name in lower case, such as x-version
        --- origins that are none
        routes:
          - { path: /a, cluster: orders, allow: anyone, cors: { origins: "https://app-*.acme.dev" } }
          - { path: /b, cluster: orders, allow: anyone, cors: { origins: ["https://a.dev/*", { exact: "https://*.a.dev" }] } }
          - { path: /c, cluster: orders, allow: anyone, cors: { origins: { prefix: HTTPS } } }
          - { path: /d, cluster: orders, allow: anyone, cors: { origins: { minimum: 1 } } }
          - { path: /e, cluster: orders, allow: anyone, cors: { origins: { present: false } } }
          - { path: /f, cluster: orders, allow: anyone, cors: { origins: [] } }
          - { path: /g, cluster: orders, allow: anyone, cors: { origins: ["https://a.dev"], headers: ["*"], credentials: all } }
          - { path: /h, cluster: orders, allow: anyone, cors: { origins: "https://*" } }
          - { path: /i, cluster: orders, allow: anyone, cors: { origins: ["*.a.dev", "localhost:*", "https://:*"] } }
        >>> martlet.yaml:2:66:  routes[0].cors.origins: found "https://app-*.acme.dev", expected an origin such as https://app.acme.dev, https://*.acme.dev, http://localhost:* or *; a * is the labels below a domain, or the port; else write { regex: … }
        >>> martlet.yaml:3:67:  routes[1].cors.origins[0]: found "https://a.dev/*", expected an origin such as https://app.acme.dev, https://*.acme.dev, http://localhost:* or *; an origin has no path, nor a slash at its end
        >>> martlet.yaml:3:95:  routes[1].cors.origins[1].exact: found "https://*.a.dev", expected an origin such as https://app.acme.dev, or null; beside "exact" a * is none
        >>> martlet.yaml:4:76:  routes[2].cors.origins.prefix: found "HTTPS", expected a part of an origin such as https://app. or .acme.dev; browsers send origins in lower case
        >>> martlet.yaml:5:66:  routes[3].cors.origins: found a range of numbers, expected origins
        >>> martlet.yaml:6:66:  routes[4].cors.origins: found present: false, expected origins
        >>> martlet.yaml:7:66:  routes[5].cors.origins: found an empty list, expected an origin such as https://app.acme.dev, https://*.acme.dev, http://localhost:* or *
        >>> martlet.yaml:8:95:  routes[6].cors.headers[0]: found "*", expected a header's name in lower case, such as x-version
        >>> martlet.yaml:8:114: routes[6].cors.credentials: found "all", expected true, false or any_origin
        >>> martlet.yaml:9:66:  routes[7].cors.origins: found "https://*", expected an origin such as https://app.acme.dev, https://*.acme.dev, http://localhost:* or *; a * is the labels below a domain, or the port; else write { regex: … }
        >>> martlet.yaml:10:67: routes[8].cors.origins[0]: found "*.a.dev", expected an origin such as https://app.acme.dev, https://*.acme.dev, http://localhost:* or *
        >>> martlet.yaml:10:78: routes[8].cors.origins[1]: found "localhost:*", expected an origin such as https://app.acme.dev, https://*.acme.dev, http://localhost:* or *
        >>> martlet.yaml:10:93: routes[8].cors.origins[2]: found "https://:*", expected an origin such as https://app.acme.dev, https://*.acme.dev, http://localhost:* or *
        --- origins of any page beside credentials
        routes:
          - { path: /a, cluster: orders, allow: anyone, cors: { origins: "*", credentials: true } }
          - { path: /b, cluster: orders, allow: anyone, cors: { origins: [{ prefix: "https://" }, "https://a.dev"], credentials: true } }
          - { path: /c, cluster: orders, allow: anyone, cors: { origins: { regex: ".*" }, credentials: true } }
          - { path: /d, cluster: orders, allow: anyone, cors: { origins: "https://a.dev", credentials: any_origin } }
          - { path: /e, cluster: orders, allow: anyone, cors: { origins: "*", credentials: any_origin } }
        >>> martlet.yaml:2:84:  routes[0].cors.credentials: found beside origins that take any page, such as https://martlet.example, which could then act for its visitors, expected origins by name, or credentials: any_origin
        >>> martlet.yaml:3:122: routes[1].cors.credentials: found beside origins that take any page, such as https://martlet.example, which could then act for its visitors, expected origins by name, or credentials: any_origin
        >>> martlet.yaml:4:96:  routes[2].cors.credentials: found beside origins that take any page, such as https://martlet.example, which could then act for its visitors, expected origins by name, or credentials: any_origin
        >>> martlet.yaml:5:96:  routes[3].cors.credentials: found any_origin where not every origin is taken, expected true
        >>> martlet.yaml:6:84:  routes[4].cors.credentials: warning: pages of any origin can act for the users who visit them
        --- methods that no page may send
        routes:
          - { path: /a, cluster: orders, allow: anyone, http_method: [GET, PUT], cors: { origins: "*" } }
          - { path: /b, cluster: orders, allow: anyone, http_method: [HEAD, OPTIONS, PUT], cors: { origins: "*", methods: [PUT] } }
        >>> martlet.yaml:2:80: routes[0].cors: warning: found no PUT, which the route takes: browsers let no page send it
        --- origins that let more pages in than they seem to
        routes:
          - { path: /a, cluster: orders, allow: anyone, cors: { origins: { prefix: "https://app.acme.dev" } } }
          - { path: /b, cluster: orders, allow: anyone, cors: { origins: { suffix: acme.dev } } }
          - { path: /c, cluster: orders, allow: anyone, cors: { origins: { regex: "https://app.acme.dev" } } }
          - { path: /d, cluster: orders, allow: anyone, cors: { origins: { regex: 'https://.*acme\.dev' } } }
          - { path: /e, cluster: orders, allow: anyone, cors: { origins: { regex: '^https?://(www\.)?acme\.dev.*$' } } }
        >>> martlet.yaml:2:66: routes[0].cors.origins: warning: a host may go on behind the prefix https://app.acme.dev, so pages of https://app.acme.dev.martlet.example are let in, too; write https://app.acme.dev:* for its ports
        >>> martlet.yaml:3:66: routes[1].cors.origins: warning: a name may begin before the suffix acme.dev, so pages of https://martlet-acme.dev are let in, too; write https://*.acme.dev for hosts below it
        >>> martlet.yaml:4:66: routes[2].cors.origins: warning: a . in https://app.acme.dev takes any character, so pages of https://app-acme.dev are let in, too; write \. for a dot
        >>> martlet.yaml:5:66: routes[3].cors.origins: warning: https://.*acme\.dev takes more than one host's name, so pages of https://martlet-acme.dev are let in, too; write a \. where its labels end, and end it
        >>> martlet.yaml:6:66: routes[4].cors.origins: warning: ^https?://(www\.)?acme\.dev.*$ takes more than one host's name, so pages of https://www.acme.devx.martlet.example are let in, too; write a \. where its labels end, and end it
        --- no route
        routes: []
        >>> martlet.yaml:1:9: routes: found an empty list, expected a list of routes, each a mapping with cluster
        --- a route to nowhere
        routes: [{ service: a.B }]
        >>> martlet.yaml:1:10: routes[0]: the key "cluster" is missing, expected the name of a cluster
        --- a route to a cluster that does not exist
        clusters: { orders: { endpoints: [10.0.0.1:80] } }
        routes: [{ path: /a, cluster: ordres }, { path: /b, cluster: invoices }]
        >>> martlet.yaml:2:31: routes[0].cluster: found "ordres", expected the name of a cluster; did you mean "orders"?
        >>> martlet.yaml:2:62: routes[1].cluster: found "invoices", expected the name of a cluster
        --- no second mistake about a cluster that could not be read
        clusters: { orders: { endpoints: nowhere } }
        >>> martlet.yaml:1:34: clusters.orders.endpoints: found "nowhere", expected a list, each an address such as 10.0.0.11:50051, "[::1]:50051", orders.internal:50051 or unix:/run/orders.sock
        --- a route behind one that takes everything
        routes:
          - { cluster: orders }
          - { name: late, service: a.B, cluster: orders }
        >>> martlet.yaml:3:5: routes[1]: never reached: routes[0] ("default") takes every request that fits it
        --- routes behind wider ones
        routes:
          - { authority: "*.acme.dev", path: /v1/*, cluster: orders }
          - { authority: api.acme.dev, path: /v1/orders, cluster: orders }
          - { service: a.B, headers: { x-a: "*" }, cluster: orders }
          - { service: a.B, headers: { x-a: "1", x-b: "2" }, cluster: orders }
          - { service: a.B, headers: { x-b: "2" }, cluster: orders }
        >>> martlet.yaml:3:5: routes[1]: never reached: routes[0] ("/v1/*") takes every request that fits it
        >>> martlet.yaml:5:5: routes[3]: never reached: routes[2] ("a.B") takes every request that fits it
        --- two routes with one name
        routes:
          - { name: a, path: /a, cluster: orders }
          - { name: a, path: /b, cluster: orders }
        >>> martlet.yaml:3:13: routes[1].name: found "a", which an earlier route has, expected a name of its own
        --- authorities, services and paths that are none
        routes:
          - { authority: "api.acme.dev:443", cluster: orders }
          - { authority: "*", cluster: orders }
          - { service: /a.B, cluster: orders }
          - { path: v1/orders, cluster: orders }
          - { path: /v1/*/orders, cluster: orders }
          - { path: /v1/../orders, cluster: orders }
        >>> martlet.yaml:2:18: routes[0].authority: found "api.acme.dev:443", expected a host name without a port: authorities are compared without it
        >>> martlet.yaml:3:18: routes[1].authority: found "*", expected a host name; a route without authority takes every host
        >>> martlet.yaml:4:16: routes[2].service: found "/a.B", expected a gRPC service's full name such as acme.orders.v1.Orders, or acme.v1.* for all of a package
        >>> martlet.yaml:5:13: routes[3].path: found "v1/orders", expected a path that begins with / and has no query, such as /v1/orders or /v1/*
        >>> martlet.yaml:6:13: routes[4].path: found "/v1/*/orders", expected a * only as the last segment, as in /v1/*
        >>> martlet.yaml:7:13: routes[5].path: found "/v1/../orders", expected a path without . and .. segments, which is always refused
        --- a service and a path
        routes: [{ service: a.B, path: /a, cluster: orders }]
        >>> martlet.yaml:1:32: routes[0].path: found beside "service", expected only one of the two
        --- headers that cannot be asked about
        routes:
          - { headers: { ":path": a }, cluster: orders }
          - { headers: { Host: a }, cluster: orders }
          - { headers: { x-a: " a" }, cluster: orders }
          - { headers: { "x a": a }, cluster: orders }
          - { headers: {}, cluster: orders }
          - { headers: { x-a: "1", X-A: "2" }, cluster: orders }
        >>> martlet.yaml:2:18: routes[0].headers[":path"]: found ":path", expected a header; authority and path have keys of their own
        >>> martlet.yaml:3:18: routes[1].headers.Host: found "Host", expected a header; authority and path have keys of their own
        >>> martlet.yaml:4:23: routes[2].headers.x-a: found " a", expected visible ASCII without spaces at its ends, or "*" for any value
        >>> martlet.yaml:5:18: routes[3].headers["x a"]: found "x a", expected a header name: letters, digits and !#$%&'*+-.^_`|~
        >>> martlet.yaml:6:16: routes[4].headers: found an empty mapping, expected a mapping of header names to values, such as { x-version: "2" }; "*" for any value
        >>> martlet.yaml:7:28: routes[5].headers.X-A: found "x-a" twice, expected each header once
        --- paths, prefixes and their expressions
        routes:
          - { path: /x/**, cluster: orders }
          - { path: /**, cluster: orders }
          - { path: "/u/{id}", cluster: orders }
          - { path: [[/a]], cluster: orders }
          - { path: {}, cluster: orders }
          - { path: { regxe: a }, cluster: orders }
          - { path: { regex: "^/u/(" }, cluster: orders }
          - { path: { regex: "u/.*" }, cluster: orders }
          - { path: { regex: "" }, cluster: orders }
          - { prefix: v1, cluster: orders }
          - { prefix: /v1/, cluster: orders }
          - { prefix: /v1/*, cluster: orders }
          - { prefix: /v1?a, cluster: orders }
          - { prefix: /a, path: /b, cluster: orders }
          - { prefix: /a, service: a.B, cluster: orders }
        >>> martlet.yaml:2:13:  routes[0].path: found "/x/**", expected prefix: /x, for /x itself and all below it
        >>> martlet.yaml:3:13:  routes[1].path: found "/**", expected prefix: /, for all paths
        >>> martlet.yaml:4:13:  routes[2].path: found "/u/{id}", expected a path as callers send it, or /v1/* for all below; a regular expression is written { regex: … }
        >>> martlet.yaml:5:14:  routes[3].path[0]: found a list, expected a path that begins with / and has no query, such as /v1/orders or /v1/*, or { regex: … }
        >>> martlet.yaml:6:13:  routes[4].path: found an empty mapping, expected a path that begins with / and has no query, such as /v1/orders or /v1/*, or { regex: … }, or a list of these
        >>> martlet.yaml:7:15:  routes[5].path.regxe: unknown key; did you mean "regex"?
        >>> martlet.yaml:8:22:  routes[6].path.regex: found "^/u/(", expected a regular expression in RE2's syntax: missing ): ^/u/(
        >>> martlet.yaml:9:22:  routes[7].path.regex: found "u/.*", expected a regular expression that takes a path: paths begin with /
        >>> martlet.yaml:10:22: routes[8].path.regex: found "", expected a regular expression that takes a path: paths begin with /
        >>> martlet.yaml:11:15: routes[9].prefix: found "v1", expected a path that begins with / and has no query, such as /v1
        >>> martlet.yaml:12:15: routes[10].prefix: found "/v1/", expected no / at the end: prefix: /v1 takes /v1 itself and all below it, path: /v1/* only what is below it
        >>> martlet.yaml:13:15: routes[11].prefix: found "/v1/*", expected a path without *, such as /v1: it takes /v1 itself and all below it
        >>> martlet.yaml:14:15: routes[12].prefix: found "/v1?a", expected a path that begins with / and has no query, such as /v1
        >>> martlet.yaml:15:15: routes[13].prefix: found beside "path", expected only one of the two
        >>> martlet.yaml:16:15: routes[14].prefix: found beside "service", expected only one of the two
        --- routes that preflights cannot tell apart
        routes:
          - { path: /a, headers: { x-tenant: a }, cluster: orders, cors: { origins: ["https://a.dev"], headers: [x-tenant] } }
          - { path: /a, headers: { x-tenant: b }, cluster: orders, cors: { origins: ["https://b.dev"], headers: [x-tenant] } }
          - { path: /a, headers: { x-tenant: { prefix: c } }, cluster: orders, cors: { origins: ["https://a.dev"], headers: [x-tenant] } }
          - { path: /a, headers: { x-team: a }, cluster: orders, cors: { origins: ["https://b.dev"], headers: [x-team] } }
        >>> martlet.yaml:3:66: routes[1].cors: warning: found another cors than that of routes[0] ("/a"), which answers the preflights of both: they announce headers without values
        --- listeners of routes
        listeners: [{ name: plain, address: 127.0.0.1:80 }, { name: public, address: 127.0.0.1:443, tls: { certificate: a.pem, private_key: a.key } }]
        routes:
          - { listeners: [plain], redirect: { scheme: https } }
          - { listeners: plian, path: /a, cluster: orders }
          - { listeners: [public, plain], path: /b, cluster: orders }
          - { listeners: [plain], path: /c, cluster: orders }
          - { listeners: [], path: /d, cluster: orders }
          - { listeners: [public, public], path: /e, cluster: orders }
          - { listeners: { name: public }, path: /f, cluster: orders }
          - { path: /g, cluster: orders }
          - { cluster: orders }
          - { path: /h, cluster: orders }
        >>> martlet.yaml:4:18: routes[1].listeners: found "plian", expected the name of a listener; did you mean "plain"?
        >>> martlet.yaml:5:27: routes[2].listeners[1]: never reached: routes[0] ("default") takes every request that fits it
        >>> martlet.yaml:6:5:  routes[3]: never reached: routes[0] ("default") takes every request that fits it
        >>> martlet.yaml:7:18: routes[4].listeners: found an empty list, expected at least one, and at most 512
        >>> martlet.yaml:8:27: routes[5].listeners[1]: found "public" twice, expected it once
        >>> martlet.yaml:9:18: routes[6].listeners: found a mapping, expected the name of a listener, or a list of these
        >>> martlet.yaml:12:5: routes[9]: never reached: routes[0] ("default") and routes[8] ("default-5") take every request that fits it
        --- lists of what routes match
        routes:
          - { authority: [a.dev, A.dev, "*.b.dev", x.b.dev], cluster: orders }
          - { service: [a.A, a.A, a.*], cluster: orders }
          - { service: [acme.*.v1, "*"], cluster: orders }
          - { path: [/a/b, /a/*, { regex: "/[ab]" }, /a], cluster: orders }
          - { prefix: [/v1, /v1/x, /v1x], cluster: orders }
          - { prefix: [], cluster: orders }
          - { path: [/x/**, { regex: "/(" }], cluster: orders }
          - { path: ["/c/{id}", /c], cluster: orders, rewrite: { path: /c } }
          - { path: [{ regex: "/d/(.*)" }, /d], cluster: orders, rewrite: { path: /$1 } }
          - { path: [{ regex: "/e/(.*)" }, { regex: "/f/.*" }], cluster: orders, rewrite: { path: /$1 } }
          - { path: { prefix: /g }, cluster: orders }
          - { path: [{ exact: /h }], cluster: orders }
        >>> martlet.yaml:2:26:  routes[0].authority[1]: found "A.dev" beside "a.dev", which takes all of it, expected only one of them
        >>> martlet.yaml:2:44:  routes[0].authority[3]: found "x.b.dev" beside "*.b.dev", which takes all of it, expected only one of them
        >>> martlet.yaml:3:17:  routes[1].service[0]: found "a.A" beside "a.*", which takes all of it, expected only one of them
        >>> martlet.yaml:3:22:  routes[1].service[1]: found "a.A" twice, expected it once
        >>> martlet.yaml:4:17:  routes[2].service[0]: found "acme.*.v1", expected a * only behind the last dot, as in acme.v1.*: every service of the package and below
        >>> martlet.yaml:4:28:  routes[2].service[1]: found "*", expected the name of a service, or acme.v1.* for all of a package; a route without service takes every call
        >>> martlet.yaml:5:14:  routes[3].path[0]: found "/a/b" beside "/a/*", which takes all of it, expected only one of them
        >>> martlet.yaml:5:46:  routes[3].path[3]: found "/a" beside "/[ab]", which takes all of it, expected only one of them
        >>> martlet.yaml:6:21:  routes[4].prefix[1]: found "/v1/x" beside "/v1", which takes all of it, expected only one of them
        >>> martlet.yaml:7:15:  routes[5].prefix: found an empty list, expected at least one, and at most 512
        >>> martlet.yaml:8:14:  routes[6].path[0]: found "/x/**", expected prefix: /x, for /x itself and all below it
        >>> martlet.yaml:8:30:  routes[6].path[1].regex: found "/(", expected a regular expression in RE2's syntax: missing ): /(
        >>> martlet.yaml:9:14:  routes[7].path[0]: found "/c/{id}", expected a path as callers send it, or /v1/* for all below; a regular expression is written { regex: … }
        >>> martlet.yaml:10:75: routes[8].rewrite.path: found "/$1", expected a path without groups such as $1: some paths of the route are no regular expressions
        >>> martlet.yaml:11:91: routes[9].rewrite.path: found "/$1", expected a group that the route's expression has, not $1: it has none
        >>> martlet.yaml:12:15: routes[10].path.prefix: found prefix in path, expected it on the route itself, in place of path
        >>> martlet.yaml:13:16: routes[11].path[0].exact: found exact in path, expected path: /h
        --- HTTP methods that are none
        routes:
          - { path: /a, http_method: get, cluster: orders }
          - { path: /b, http_method: [GET, GET], cluster: orders }
          - { path: /c, http_method: CONNECT, cluster: orders }
          - { path: /d, http_method: [], cluster: orders }
          - { path: /e, http_method: "*", cluster: orders }
          - { path: /f, http_methods: GET, cluster: orders }
          - { path: /g, http_method: [purge, PURGE, Delete], cluster: orders }
        >>> martlet.yaml:2:30: routes[0].http_method: found "get", expected an HTTP method such as GET, or a list of them; methods are case-sensitive: GET
        >>> martlet.yaml:3:36: routes[1].http_method[1]: found "GET" twice, expected each method once
        >>> martlet.yaml:4:30: routes[2].http_method: found "CONNECT", expected another method: CONNECT is always refused
        >>> martlet.yaml:5:30: routes[3].http_method: found an empty list, expected an HTTP method such as GET, or a list of them
        >>> martlet.yaml:6:30: routes[4].http_method: found "*", expected an HTTP method such as GET, or a list of them
        >>> martlet.yaml:7:17: routes[5].http_methods: unknown key; did you mean "http_method"?
        >>> martlet.yaml:8:31: routes[6].http_method[0]: warning: takes purge alone, as it is written: methods are case-sensitive, and PURGE is another
        >>> martlet.yaml:8:45: routes[6].http_method[2]: found "Delete", expected an HTTP method such as GET; methods are case-sensitive: DELETE
        --- an expression that is a list
        routes:
          - { path: { regex: ["/a", "/b"] }, cluster: orders }
          - { path: [{ regex: "/a" }, { regex: ["/b"] }], cluster: orders }
        >>> martlet.yaml:2:22: routes[0].path.regex: found a list, expected one regular expression; several are a list of paths: path: [{ regex: … }, { regex: … }]
        >>> martlet.yaml:3:40: routes[1].path[1].regex: found a list, expected one regular expression; several are a list of paths: path: [{ regex: … }, { regex: … }]
        --- values that cannot be asked for
        routes:
          - { headers: { x-a: { exact: a, prefix: b } }, cluster: orders }
          - { headers: { x-a: { exakt: a } }, cluster: orders }
          - { headers: { x-a: {} }, cluster: orders }
          - { headers: { x-a: [] }, cluster: orders }
          - { headers: { x-a: { prefix: "" } }, cluster: orders }
          - { headers: { x-a: { suffix: " a" } }, cluster: orders }
          - { headers: { x-a: { regex: "a**" } }, cluster: orders }
          - { headers: { x-a: { regex: "(?=a)" } }, cluster: orders }
          - { headers: { x-a: { present: maybe } }, cluster: orders }
          - { headers: { x-a: [a, [b]] }, cluster: orders }
          - { query: {}, cluster: orders }
          - { query: { a: "" }, cluster: orders }
          - { query: { "": a }, cluster: orders }
        >>> martlet.yaml:2:43:  routes[0].headers.x-a.prefix: found beside "exact", expected only one of the two
        >>> martlet.yaml:3:25:  routes[1].headers.x-a.exakt: unknown key; did you mean "exact"?
        >>> martlet.yaml:4:23:  routes[2].headers.x-a: found an empty mapping, expected a value, "*" for any, a list of them, or a mapping with exact, prefix, suffix, regex, present, file, minimum or maximum
        >>> martlet.yaml:5:23:  routes[3].headers.x-a: found an empty list, expected a value, "*" for any, a list of them, or a mapping with exact, prefix, suffix, regex, present, file, minimum or maximum
        >>> martlet.yaml:6:33:  routes[4].headers.x-a.prefix: found "", expected a text; { present: true } for any value
        >>> martlet.yaml:7:33:  routes[5].headers.x-a.suffix: found " a", expected visible ASCII without spaces at its ends, or "*" for any value
        >>> martlet.yaml:8:32:  routes[6].headers.x-a.regex: found "a**", expected a regular expression in RE2's syntax: bad repetition operator: **
        >>> martlet.yaml:9:32:  routes[7].headers.x-a.regex: found "(?=a)", expected a regular expression in RE2's syntax: invalid perl operator: (?=
        >>> martlet.yaml:10:34: routes[8].headers.x-a.present: found "maybe", expected true or false
        >>> martlet.yaml:11:27: routes[9].headers.x-a[1]: found a list, expected a value, "*" for any, a list of them, or a mapping with exact, prefix, suffix, regex, present, file, minimum or maximum
        >>> martlet.yaml:12:14: routes[10].query: found an empty mapping, expected a mapping of query parameters to values, such as { debug: "1" }; "*" for any value
        >>> martlet.yaml:13:19: routes[11].query.a: found "", expected a value, "*" for any, a list of them, or a mapping with exact, prefix, suffix, regex, present, file, minimum or maximum
        >>> martlet.yaml:14:16: routes[12].query[""]: found an empty name, expected a parameter's
        --- a service by methods and parameters that none of its calls has
        clusters: { orders: { endpoints: [10.0.0.1:80] } }
        routes:
          - { service: a.B, http_method: [POST, GET], query: { a: "1" }, cluster: orders }
          - { service: a.C, http_method: POST, cluster: orders }
        >>> martlet.yaml:3:34: routes[0].http_method: found "GET", expected POST: without a schema of its cluster, no call of a service has another method
        >>> martlet.yaml:3:54: routes[0].query: never matches: without a schema of its cluster, no call of a service has a query
        --- methods that no call by these protocols has
        routes: [{ path: /a, http_method: [PUT, POST], query: { a: "*" }, protocols: [grpc, grpc-web], cluster: orders }]
        >>> martlet.yaml:1:35: routes[0].http_method: found "PUT", expected POST: no call by its protocols has another method
        >>> martlet.yaml:1:55: routes[0].query: never matches: no call by its protocols has a query
        --- a service of plain HTTP, by any method
        clusters: { orders: { endpoints: [10.0.0.1:80], protocol: http1 } }
        routes:
          - { service: a.B, http_method: GET, query: { a: "1" }, cluster: orders }
          - { service: a.B, http_method: GET, query: { a: { prefix: "1" } }, cluster: orders }
          - { prefix: /v1, cluster: orders }
          - { path: { regex: "^/v1/[a-z]+$" }, http_method: GET, cluster: orders }
          - { prefix: /v2, http_method: [GET, HEAD], headers: { x-a: { prefix: v } }, cluster: orders }
          - { path: /v2/a, http_method: HEAD, headers: { x-a: v1 }, cluster: orders }
          - { path: /v2/a, http_method: HEAD, headers: { x-a: w1 }, cluster: orders }
        >>> martlet.yaml:6:5: routes[3]: never reached: routes[2] ("/v1") takes every request that fits it
        >>> martlet.yaml:8:5: routes[5]: never reached: routes[4] ("/v2") takes every request that fits it
        --- methods without a service, methods of another shape
        routes:
          - { path: /a, cluster: orders, methods: { Get: {} } }
          - { service: a.B, cluster: orders, methods: { a.B/Get: {}, Put: allow } }
          - { prefix: /a.C, cluster: orders, methods: { Get: {} } }
          - { path: [/x, /a.D/*], cluster: orders, methods: { Get: {} } }
          - { prefix: /v1, cluster: orders, methods: { GET: {}, POST: {} } }
        >>> martlet.yaml:2:43: routes[0].methods: found without service, expected beside it: methods are a service's
        >>> martlet.yaml:3:49: routes[1].methods["a.B/Get"]: found "a.B/Get", expected a method's name such as CreateOrder
        >>> martlet.yaml:3:67: routes[1].methods.Put: found "allow", expected a mapping
        >>> martlet.yaml:4:47: routes[2].methods: found without service, expected service: a.C in place of prefix: methods are a service's
        >>> martlet.yaml:5:53: routes[3].methods: found without service, expected service: a.D in place of path: methods are a service's
        >>> martlet.yaml:6:46: routes[4].methods: found without service, expected beside it: methods are a service's; HTTP methods are matched by http_method
        --- no clusters, and routes that lead to none
        without: clusters
        routes:
          - { path: /a, redirect: { authority: acme.dev } }
          - { path: /b, respond: { status: 404 } }
        --- no clusters, and a route that leads to one
        without: clusters
        routes:
          - { path: /a, redirect: { authority: acme.dev } }
          - { path: /b, cluster: orders }
        >>> martlet.yaml:1:1:  the key "clusters" is missing, expected a mapping of clusters, each a mapping with endpoints
        >>> martlet.yaml:3:26: routes[1].cluster: found "orders", expected the name of a cluster
        --- timeouts
        routes: [{ cluster: orders, timeout: 5 parsecs }]
        >>> martlet.yaml:1:38: routes[0].timeout: found "5 parsecs", expected a duration such as 250ms or 5s, at least 1ms
        --- a timeout of zero
        routes: [{ cluster: orders, timeout: 0s }]
        >>> martlet.yaml:1:38: routes[0].timeout: found "0s", expected a duration such as 250ms or 5s, at least 1ms; leave it out for no timeout
        --- how JSON is written, and what callers speak
        routes: [{ cluster: orders, json: { names: protos, enum: numbers }, protocols: [grpcweb, rest] }]
        >>> martlet.yaml:1:44: routes[0].json.names: found "protos", expected json or proto; did you mean "proto"?
        >>> martlet.yaml:1:52: routes[0].json.enum: unknown key; did you mean "enums"?
        >>> martlet.yaml:1:81: routes[0].protocols[0]: found "grpcweb", expected grpc, grpc-web, connect or rest; did you mean "grpc-web"?
        --- keys of features that are not there yet
        routes: [{ cluster: orders, views: x }]
        >>> martlet.yaml:1:29: routes[0].views: unknown key, expected listeners, authority, service, path, prefix, http_method, headers, query, name, cluster, clusters, sticky, mirror, fault, redirect, respond, serve, rewrite, fallback, timeout, stream_idle, body_bytes, allow, deny, authentication, limits, cost, expose, priority, retry, max_stream_duration, idempotent, request_headers, request_query, response_headers, methods, cors, error_response, json, gzip or protocols
        """#)
}

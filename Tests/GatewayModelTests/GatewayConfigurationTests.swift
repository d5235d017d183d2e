import AccessControl
import Balancing
import Config
import GatewayModelTesting
import HTTPModel
import JOSE
import LimitRules
import Matching
import Net
import RateLimit
import Routing
import Testing

@testable import GatewayModel
@testable import Transport

@Suite struct GatewayConfigurationTests {
    @Test("the short example of the design reads as what it says")
    func shortExample() throws {
        let (value, report) = readConfiguration(
            """
            listeners:
              - address: 0.0.0.0:8443
                tls: { certificate: server.pem, private_key: server.key }
            authentication:
              issuers:
                - { issuer: "https://auth.acme.dev", audiences: [orders], jwks: "https://auth.acme.dev/jwks.json" }
              tenant: claim tenant                        # what "tenant" means everywhere below
              plan: claim plan
            plans:
              free: { limits: [50/s burst 100, 10000/day] }
              pro:  { limits: [2000/s, 5000000/month] }
            rate_limits: { store: "redis://127.0.0.1:6379" }
            clusters:
              orders: { endpoints: [10.0.0.11:50051, 10.0.0.12:50051] }
            routes:
              - service: acme.orders.v1.Orders
                cluster: orders
                allow: { scopes: [orders.read] }
                methods:
                  CreateOrder: { allow: { scopes: [orders.write] }, limits: [10/s per tenant] }
            """)
        #expect(report == "")
        let configuration = try #require(value)
        let listener = try #require(configuration.listeners.first)
        #expect(listener.name == "0.0.0.0:8443" && listener.limits == .defaults)
        #expect(
            listener.tls
                == ListenerTLS(certificates: [CertificatePair(certificate: "server.pem", privateKey: "server.key")]))
        #expect(
            configuration.authentication
                == AuthenticationConfiguration(
                    issuers: [
                        IssuerConfiguration(
                            name: "https://auth.acme.dev", issuer: "https://auth.acme.dev", audiences: ["orders"],
                            audienceClaim: nil,
                            keys: .https(
                                address: .name("auth.acme.dev", port: 443), authority: "auth.acme.dev",
                                path: "/jwks.json", ca: nil),
                            algorithm: .rs256, leeway: .seconds(60), forwardClaims: [], forwardToken: false)
                    ],
                    tenant: ClaimPath(dotted: "tenant"), plan: ClaimPath(dotted: "plan").map { .claim($0) }, defaultPlan: nil,
                    failedLogins: Rate(perSecond: 10, burst: 100), tokenCache: 10_000))
        #expect(
            configuration.plans == [
                PlanConfiguration(
                    name: "free",
                    limits: [
                        LimitConfiguration(
                            LimitRule(
                                name: "plans.free.limits[0]", count: 50, window: LimitWindow(unit: .second), burst: 100,
                                keys: [.tenant])),
                        LimitConfiguration(
                            LimitRule(name: "plans.free.limits[1]", count: 10_000, window: LimitWindow(unit: .day), keys: [.tenant])
                        ),
                    ]),
                PlanConfiguration(
                    name: "pro",
                    limits: [
                        LimitConfiguration(
                            LimitRule(name: "plans.pro.limits[0]", count: 2000, window: LimitWindow(unit: .second), keys: [.tenant])
                        ),
                        LimitConfiguration(
                            LimitRule(
                                name: "plans.pro.limits[1]", count: 5_000_000, window: LimitWindow(unit: .month), keys: [.tenant])),
                    ]),
            ])
        #expect(
            configuration.rateLimits
                == StoreConfiguration(
                    store: .redis(RedisLocation(address: .ip("127.0.0.1", port: 6379))), domain: "martlet",
                    timeout: .milliseconds(20), whenUnavailable: .local))
        let cluster = try #require(configuration.clusters.first)
        #expect(cluster.name == "orders" && cluster.balancing == .defaults && cluster.tls == nil)
        #expect(
            cluster.endpoints
                == .list([
                    EndpointConfiguration(.ip("10.0.0.11", port: 50051)),
                    EndpointConfiguration(.ip("10.0.0.12", port: 50051)),
                ]))
        #expect(cluster.timeouts == .defaults && cluster.connections == .defaults)
        let name = "acme.orders.v1.Orders"
        #expect(
            configuration.routes == [
                RouteConfiguration(
                    name: name, match: RouteMatch(target: .service(name)), cluster: "orders", timeout: nil,
                    access: AccessRules(allow: NamedRule(name: "\(name).allow", .scopes(["orders.read"]))), limits: [],
                    expose: false,
                    methods: [
                        MethodConfiguration(
                            name: "CreateOrder", timeout: nil,
                            access: AccessRules(
                                allow: NamedRule(name: "\(name).CreateOrder.allow", .scopes(["orders.write"]))),
                            limits: [
                                LimitConfiguration(
                                    LimitRule(
                                        name: "\(name).CreateOrder.limits[0]", count: 10, window: LimitWindow(unit: .second),
                                        keys: [.tenant]))
                            ])
                    ])
            ])
        #expect(configuration.workers == nil && configuration.drain == .defaults && configuration.accessLog == .stdout)
        #expect(configuration.admin == .ip("127.0.0.1", port: 9901) && configuration.trustedProxies.isEmpty)
    }

    /// Every key, once. The handbook's page `Configuration.md` shows the same.
    static let everyKey = """
        workers: 2
        drain: { delay: 5s, timeout: 1m }
        access_log: /var/log/martlet.json
        admin: { address: "[::1]:9901" }
        trusted_proxies: [10.0.0.0/8, 192.168.1.1]
        memory: { process: 512MiB, connection: 8MiB, replay: 64MiB }
        overload: { connections: 50_000, calls: 20_000, memory: 2GiB }
        listeners:
          - name: public
            address: 0.0.0.0:8443
            tls:
              certificates:
                - { certificate: a.pem, private_key: a.key }
                - { certificate: b.pem, private_key: b.key }
              client_ca: clients.pem
              client_certificate: optional
              minimum: "1.3"
            limits:
              connections: 5000
              streams: 50
              headers: 64
              header_bytes: 16KiB
              body_bytes: 4MiB
              handshake: 5s
              idle: 10m
              age: 1h
              age_grace: none
              stream_idle: none
              stall: 20s
              resets: 10/s burst 50
              settings: 8/s
              empty_frames: 16/s
              control_frames: 4
          - address: unix:/run/martlet.sock
        authentication:
          issuers:
            - issuer: https://auth.acme.dev
              audiences: [orders, admin]
              jwks: https://auth.acme.dev:8443/keys?a=b
              jwks_ca: ca.pem
              algorithm: PS256
              leeway: 30s
              forward_claims: { X-Tenant: tenant, x-roles: realm.roles, x-odd: ["https://acme.dev/odd"] }
              forward_token: true
            - issuer: local
              audiences: [orders]
              jwks: keys.json
            - issuer: inline
              audiences: [orders]
              jwks: { keys: [{ kty: EC, crv: P-256, x: abc, y: "def", key_ops: [verify] }] }
          tenant: { claim: ["https://acme.dev/tenant"] }
          plan: claim realm.plan
          default_plan: free
          failed_logins: 1/s burst 5
          token_cache: off
        plans:
          free:
            limits:
              - 50/s burst 100 per method
              - { count: 1_000, per: 2 day, key: tenant, name: daily, mode: shadow }
        rate_limits:
          store: rediss://redis.internal:6380/2
          user: martlet
          password: ${REDIS_PASSWORD}
          tls: { ca: redis.pem, server_name: redis.internal, certificate: c.pem, private_key: c.key }
          domain: acme
          timeout: 50ms
          when_unavailable: deny
        clusters:
          orders:
            endpoints: [10.0.0.11:50051, "orders.internal:50051", "[::1]:50051", unix:/run/orders.sock]
            load_balancing: round_robin
            tls: {}
            timeouts: { connect: 1s, idle: none, age: 1h }
            connections: { streams: 10, maximum: 2 }
        routes:
          - name: orders
            authority: "*.acme.dev"
            service: acme.orders.v1.Orders
            http_method: POST
            headers: { X-Version: "2", x-debug: "*" }
            cluster: orders
            timeout: 15s
            allow:
              name: readers
              any:
                - { scopes: [orders.read, orders.list] }
                - { all: [{ claim: { realm.role: admin } }, { address: [10.0.0.0/8] }] }
                - { client_certificate: [billing], not: { header: { x-legacy: "1" } } }
                - { claim: [{ path: ["https://acme.dev/role"], exact: admin }] }
            deny: { header: { x-legacy: "*" }, mode: shadow }
            limits:
              - 100/s per address
              - { count: 5, per: 10s, burst: 10, key: [header x-app, method], name: apps, when_missing: skip }
              - { count: 1000, per: s, key: constant all, before: authentication }
            expose: true
            rewrite: { authority: "orders.internal:8080" }
            request_headers: { set: { x-real-ip: "%{client.address}" }, add: { x-team: "%{claim.team|none}%%" }, remove: [x-debug] }
            response_headers: { set: { x-served-by: "%{endpoint}" } }
            methods:
              CreateOrder:
                request_headers: { remove: x-team }
                allow: authenticated
                deny: { address: ["2001:db8::/32"] }
                limits: [10/s per tenant, { count: 1, per: month, key: { claim: ["https://acme.dev/app"] }, when: { claim: { role: admin } } }]
                timeout: 5s
          - path: /v1/*
            query: { debug: { prefix: "1" } }
            cluster: orders
            allow: anyone
          - cluster: orders
            http_method: POST
            path: { regex: "^/u/([^/]+)$" }
            rewrite: { path: "/users/$1" }
          - { prefix: /old, redirect: { scheme: https, authority: www.acme.dev, prefix: /new, code: 308 } }
          - { path: /robots.txt, allow: anyone, respond: { status: 200, body: "User-agent: *", content_type: text/plain } }
          - cluster: orders
        """

    @Test("every key there is")
    func everyKey() throws {
        let (value, report) = readConfiguration(Self.everyKey, environment: ["REDIS_PASSWORD": "hunter2"])
        #expect(report == "")
        let configuration = try #require(value)
        #expect(configuration.workers == 2)
        #expect(configuration.drain == DrainConfiguration(delay: .seconds(5), timeout: .seconds(60)))
        #expect(configuration.accessLog == .file("/var/log/martlet.json"))
        #expect(configuration.admin == .ip("::1", port: 9901))
        #expect(configuration.trustedProxies == [try CIDR("10.0.0.0/8"), try CIDR("192.168.1.1")])
        #expect(configuration.memory == MemoryConfiguration(process: 512 << 20, connection: 8 << 20, replay: 64 << 20))
        try checkListeners(configuration.listeners)
        try checkAuthentication(try #require(configuration.authentication))
        #expect(
            configuration.plans.first?.limits == [
                LimitConfiguration(
                    LimitRule(
                        name: "plans.free.limits[0]", count: 50, window: LimitWindow(unit: .second), burst: 100,
                        keys: [.tenant, .method])),
                LimitConfiguration(
                    LimitRule(
                        name: "daily", count: 1000, window: LimitWindow(units: 2, unit: .day), keys: [.tenant], isShadow: true)),
            ])
        let pair = CertificatePair(certificate: "c.pem", privateKey: "c.key")
        #expect(
            configuration.rateLimits
                == StoreConfiguration(
                    store: .redis(
                        RedisLocation(
                            address: .name("redis.internal", port: 6380), database: 2, user: "martlet",
                            password: Secret("hunter2"),
                            tls: PeerTLS(ca: "redis.pem", serverName: "redis.internal", certificate: pair))),
                    domain: "acme", timeout: .milliseconds(50), whenUnavailable: .deny))
        #expect(
            configuration.clusters.first
                == ClusterConfiguration(
                    name: "orders",
                    endpoints: .list(
                        [
                            .ip("10.0.0.11", port: 50051), .name("orders.internal", port: 50051), .ip("::1", port: 50051),
                            NetworkAddress.unix("/run/orders.sock"),
                        ].map { EndpointConfiguration($0) }),
                    speaks: .http2, balancing: BalancingConfiguration(settings: BalancingSettings(policy: .roundRobin), hash: []),
                    tls: .defaults,
                    timeouts: ClusterConfiguration.Timeouts(connect: .seconds(1), idle: nil, age: .seconds(3600)),
                    connections: ClusterConfiguration.Connections(streams: 10, maximum: 2), guards: GuardSettings()))
        try checkRoutes(configuration.routes)
    }

    private func checkListeners(_ listeners: [ListenerConfiguration]) throws {
        #expect(listeners.map(\.name) == ["public", "unix:/run/martlet.sock"])
        #expect(listeners.map(\.address) == [.ip("0.0.0.0", port: 8443), .unix("/run/martlet.sock")])
        #expect(
            listeners[0].tls
                == ListenerTLS(
                    certificates: [
                        CertificatePair(certificate: "a.pem", privateKey: "a.key"),
                        CertificatePair(certificate: "b.pem", privateKey: "b.key"),
                    ],
                    clientCA: "clients.pem", clientCertificate: .optional, minimum: .tls13))
        #expect(listeners[1].tls == nil && listeners[1].limits == .defaults)
        #expect(
            listeners[0].limits
                == ListenerLimits(
                    connections: 5000, streams: 50, headers: 64, headerBytes: 16 << 10, bodyBytes: 4 << 20, handshake: .seconds(5),
                    idle: .seconds(600), age: .seconds(3600), ageGrace: nil, streamIdle: nil, stall: .seconds(20),
                    resets: Rate(perSecond: 10, burst: 50), settings: 8,
                    emptyFrames: 16, controlFrames: 4))
    }

    private func checkAuthentication(_ authentication: AuthenticationConfiguration) throws {
        #expect(
            authentication.issuers.map(\.keys) == [
                .https(
                    address: .name("auth.acme.dev", port: 8443), authority: "auth.acme.dev:8443", path: "/keys?a=b",
                    ca: "ca.pem"),
                .file("keys.json"),
                .inline(#"{"keys":[{"kty":"EC","crv":"P-256","x":"abc","y":"def","key_ops":["verify"]}]}"#),
            ])
        let first = try #require(authentication.issuers.first)
        #expect(first.audiences == ["orders", "admin"] && first.algorithm == .ps256 && first.leeway == .seconds(30))
        #expect(first.forwardToken && first.forwardClaims.map(\.header) == ["x-tenant", "x-roles", "x-odd"])
        #expect(first.forwardClaims.map(\.path.names) == [["tenant"], ["realm", "roles"], ["https://acme.dev/odd"]])
        #expect(authentication.tenant?.names == ["https://acme.dev/tenant"])
        #expect(
            authentication.plan == ClaimPath(names: ["realm", "plan"]).map { .claim($0) } && authentication.defaultPlan == "free")
        #expect(authentication.failedLogins == Rate(perSecond: 1, burst: 5) && authentication.tokenCache == 0)
    }

    private func checkRoutes(_ routes: [RouteConfiguration]) throws {
        #expect(routes.map(\.name) == ["orders", "/v1/*", "^/u/([^/]+)$", "/old", "/robots.txt", "default"])
        let route = routes[0]
        #expect(
            route.match
                == RouteMatch(
                    authority: .suffix("acme.dev"), target: .service("acme.orders.v1.Orders"), httpMethods: ["POST"],
                    headers: [try FieldMatch(header: "x-version", .exact("2")), try FieldMatch(header: "x-debug", .present)]))
        #expect(route.timeout == .seconds(15) && route.expose)
        #expect(
            route.access.allow
                == NamedRule(
                    name: "readers",
                    .any([
                        .scopes(["orders.read", "orders.list"]),
                        .all([.claim(path: ["realm", "role"], value: .exact("admin")), .address([try CIDR("10.0.0.0/8")])]),
                        .all([.not(.header(try FieldMatch(header: "x-legacy", .exact("1")))), .clientCertificate(["billing"])]),
                        .claim(path: ["https://acme.dev/role"], value: .exact("admin")),
                    ])))
        #expect(
            route.access.deny
                == NamedRule(name: "orders.deny", .header(try FieldMatch(header: "x-legacy", .present)), mode: .shadow))
        #expect(
            route.limits == [
                LimitConfiguration(
                    LimitRule(name: "orders.limits[0]", count: 100, window: LimitWindow(unit: .second), keys: [.address])),
                LimitConfiguration(
                    LimitRule(
                        name: "apps", count: 5, window: LimitWindow(units: 10, unit: .second), burst: 10,
                        keys: [.header("x-app"), .method]), whenMissing: .skip),
                LimitConfiguration(
                    LimitRule(
                        name: "orders.limits[2]", count: 1000, window: LimitWindow(unit: .second), keys: [.constant("all")],
                        isBeforeAuthentication: true)),
            ])
        let method = try #require(route.methods.first)
        #expect(method.name == "CreateOrder" && method.timeout == .seconds(5))
        #expect(method.access.allow == NamedRule(name: "orders.CreateOrder.allow", .authenticated))
        #expect(method.access.deny == NamedRule(name: "orders.CreateOrder.deny", .address([try CIDR("2001:db8::/32")])))
        #expect(method.limits.map(\.rule.keys) == [[.tenant], [.claim(["https://acme.dev/app"])]])
        #expect(routes[1].match.query == [FieldMatch(parameter: "debug", ValueMatch(.prefix("1")))])
        #expect(routes[1].match.targets == [.prefix("/v1/")] && routes[1].access.allow?.rule == .anyone)
        // What else they say is looked at in RouteActionConfigurationTests.
        #expect(routes.map(\.cluster) == ["orders", "orders", "orders", nil, nil, "orders"])
        #expect(routes[5].match == RouteMatch() && routes[5].access == AccessRules())
    }

    @Test("what is left out is what the design says it is")
    func defaults() throws {
        let (written, report) = readConfiguration(
            """
            workers: auto
            drain: { delay: 0s, timeout: 30s }
            access_log: stdout
            admin: { address: "127.0.0.1:9901" }
            trusted_proxies: []
            memory: { process: 1GiB, connection: 32MiB }
            overload: { connections: none, calls: none, memory: none }
            listeners:
              - name: public
                address: 127.0.0.1:0
                tls:
                  certificate: a.pem
                  private_key: a.key
                  client_ca: c.pem
                  client_certificate: required
                  minimum: "1.2"
                limits:
                  { connections: 10000, streams: 100, headers: 100, header_bytes: 60KiB, body_bytes: none, handshake: 10s,
                    idle: 1h, age: none, age_grace: 30s, stream_idle: 5m, stall: 30s, resets: 100/s burst 1000,
                    settings: 32/s, empty_frames: 100/s, control_frames: 10 }
            authentication:
              issuers:
                - issuer: i
                  audiences: [a]
                  jwks: k.json
                  algorithm: RS256
                  leeway: 60s
                  forward_claims: {}
                  forward_token: false
              failed_logins: 10/s burst 100
              token_cache: 10_000
            rate_limits: { store: memory, domain: martlet, timeout: 20ms, when_unavailable: local }
            clusters:
              orders:
                endpoints: [10.0.0.1:80]
                load_balancing: least_request
                timeouts: { connect: 5s, idle: 1h, age: none }
                connections: { streams: 100, maximum: 16 }
            routes: [{ name: default, cluster: orders, expose: false }]
            """)
        #expect(report == "")
        let (left, leftReport) = readConfiguration(
            """
            listeners:
              - { name: public, address: 127.0.0.1:0, tls: { certificate: a.pem, private_key: a.key, client_ca: c.pem } }
            authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json }] }
            """)
        #expect(leftReport == "")
        #expect(try #require(written) == left)
    }

    @Test("no message and no printed configuration shows a secret")
    func secrets() throws {
        let (value, report) = readConfiguration("rate_limits: { store: \"redis://martlet:hunter2@127.0.0.1:6379\" }\n")
        #expect(
            report
                == "martlet.yaml:1:23: rate_limits.store: warning: the password is written out in this file; "
                + "better ${NAME} for an environment variable, or file:PATH under password\n")
        let configuration = try #require(value)
        var printed = ""
        dump(configuration, to: &printed)
        #expect(!printed.contains("hunter2") && !"\(configuration)".contains("hunter2"))
    }
}

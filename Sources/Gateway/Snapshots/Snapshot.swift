package import AccessControl
package import Bytes
package import GRPC
package import GatewayModel
package import JOSE
package import Net
package import RateLimit
package import Routing
package import Schemas
package import TLS
package import Transcoding
package import Transport
package import Upstreams

/// One configuration, checked and made ready: immutable, shared by all workers.
package final class Snapshot: Sendable {
    /// Another one for each snapshot of the process, from 1.
    package let generation: UInt64
    package let table: RouteTable
    /// The same by what preflights can show; `nil` where that is no less.
    package let preflights: RouteTable?
    /// Some route asks for a listener.
    package let matchesListeners: Bool
    /// The names of the listeners, by whose places routes ask for them.
    package let listeners: [String]
    package let routes: [Route]
    /// `routes`, for choosing one without counting references.
    package let routeReferences: [Borrowed<Route>]
    /// `nil` where no route shows them.
    package let pages: OpenAPIPages?
    private let title: String
    /// How requests that speak no RPC protocol are understood.
    package let directory: TranscodingDirectory
    /// Some route has `cors`.
    package let hasCORS: Bool
    /// Some route has `rewrite.prefix`.
    package let stripsPrefixes: Bool
    /// Of every route that leads to a cluster with a schema, each once.
    package let transcodings: [TranscodingPlan]
    package let rules: RuleBook
    package let clusters: [ClusterPlan]
    package let trustedProxies: CIDRSet
    /// How much of an address limits count by.
    package let addressPrefix: AddressPrefix
    package let limitHeaders: LimitHeadersConfiguration
    /// One of the two families of headers is on every answer.
    package let reportsLimitsAlways: Bool
    /// Some proxies are trusted.
    package let trustsProxies: Bool
    package let authentication: AuthenticationPlan?
    package let plans: [PlanLimits]
    package let store: StorePlan
    package let memory: MemoryLimits
    package let overload: OverloadConfiguration
    /// For callers without a token: sends nothing, and removes every header that a claim would be forwarded in.
    private let unauthenticatedClaims: ClaimHeaders?
    /// `unauthenticatedClaims`, read without counting references.
    package let unauthenticatedClaimsReference: Borrowed<ClaimHeaders>?
    /// `rules`, likewise.
    package let rulesReference: Borrowed<RuleBook>

    /// No parameter has a default, so that `with` leaves none out.
    package init(
        generation: UInt64, table: RouteTable, preflights: RouteTable?, listeners: [String], routes: [Route], rules: RuleBook,
        clusters: [ClusterPlan],
        trustedProxies: CIDRSet, authentication: AuthenticationPlan?, plans: [PlanLimits], store: StorePlan,
        overload: OverloadConfiguration, memory: MemoryLimits, title: String, addressPrefix: AddressPrefix,
        limitHeaders: LimitHeadersConfiguration
    ) {
        self.generation = generation
        self.table = table
        self.preflights = preflights
        matchesListeners = table.matchesListeners
        self.listeners = listeners
        self.routes = routes
        routeReferences = routes.map { Borrowed($0) }
        let described = routes.map(\.described)
        directory = TranscodingDirectory(described)
        hasCORS = routes.contains { $0.cors != nil }
        stripsPrefixes = routes.contains { if case .prefix? = $0.policies[0].rewrite?.path { true } else { false } }
        pages =
            routes.contains { $0.answer?.isPage == true } ? OpenAPIPages(described, table, listeners: listeners, title: title) : nil
        self.title = title
        var known: Set<ObjectIdentifier> = []
        transcodings = routes.compactMap(\.transcoding).filter { known.insert(ObjectIdentifier($0)).inserted }
        self.rules = rules
        self.clusters = clusters
        self.trustedProxies = trustedProxies
        self.addressPrefix = addressPrefix
        self.limitHeaders = limitHeaders
        reportsLimitsAlways = limitHeaders.standard == .always || limitHeaders.prefixed == .always
        trustsProxies = !trustedProxies.isEmpty
        self.authentication = authentication
        self.plans = plans
        self.store = store
        self.memory = memory
        self.overload = overload
        rulesReference = Borrowed(rules)
        unauthenticatedClaims = authentication?.claimHeaders { _, _ in nil }
        unauthenticatedClaimsReference = unauthenticatedClaims.map { Borrowed($0) }
    }

    /// HTTP bindings that two routes would take, each reported with its route.
    package var schemaConflicts: [String] {
        SchemaConflicts(routes.map(\.described), clusters: clusters.map(\.name)).findings.map {
            "routes[\($0.route)] (\(routes[$0.route].name)): \($0.text)"
        }
    }

    /// Those that count by tenant, each once; not those of calls in flight.
    package var limitsPerTenant: [Limit] {
        let lists = routes.flatMap { $0.policies.map(\.limits) } + plans.map(\.limits)
        var seen: Set<String> = []
        return lists.joined().compactMap(\.limit).filter {
            $0.tenantKeyIndex >= 0 && $0.algorithm != .concurrency && seen.insert($0.fullName).inserted
        }
    }

    /// The same with another schema of one cluster.
    package func with(_ transcoding: TranscodingPlan, of cluster: String, generation: UInt64) -> Snapshot {
        Snapshot(
            generation: generation, table: table, preflights: preflights, listeners: listeners,
            routes: routes.map { $0.leadsToCluster && clusters[$0.cluster].name == cluster ? $0.with(transcoding) : $0 },
            rules: rules,
            clusters: clusters, trustedProxies: trustedProxies, authentication: authentication, plans: plans, store: store,
            overload: overload, memory: memory, title: title, addressPrefix: addressPrefix,
            limitHeaders: limitHeaders)
    }
}

/// A plan's limits, each per tenant.
package struct PlanLimits: Sendable {
    package let name: String
    package let limits: [AppliedLimit]

    package init(name: String, limits: [AppliedLimit.Entry]) {
        self.name = name
        self.limits = AppliedLimit.list(limits)
    }
}

/// Which issuers are trusted, and which claims of a token are used for what.
package struct AuthenticationPlan: Sendable {
    package struct Issuer: Sendable {
        package let policy: IssuerPolicy
        /// Loaded with the snapshot; `nil` for keys that are fetched.
        package let keys: KeySet?
        /// Where keys are fetched; `nil` for keys loaded with the snapshot.
        package let source: KeySetSource?
        package let forwardsToken: Bool
        package let forwardedClaims: [(header: [UInt8], path: ClaimPath)]

        package init(
            policy: IssuerPolicy, keys: KeySet?, source: KeySetSource?, forwardsToken: Bool,
            forwardedClaims: [(header: [UInt8], path: ClaimPath)]
        ) {
            self.policy = policy
            self.keys = keys
            self.source = source
            self.forwardsToken = forwardsToken
            self.forwardedClaims = forwardedClaims
        }
    }

    package let issuers: [Issuer]
    package let tenant: ClaimPath?
    package let plan: PlanSource?
    /// Into the snapshot's plans.
    package let defaultPlan: Int?
    /// Verifications that failed, per client address; `nil` for no limit.
    package let failedLogins: Limit?
    /// Verified tokens that a worker remembers; zero for none.
    package let tokenCacheEntries: Int

    package init(
        issuers: [Issuer], tenant: ClaimPath?, plan: PlanSource?, defaultPlan: Int?, failedLogins: Limit?,
        tokenCacheEntries: Int
    ) {
        self.issuers = issuers
        self.tenant = tenant
        self.plan = plan
        self.defaultPlan = defaultPlan
        self.failedLogins = failedLogins
        self.tokenCacheEntries = tokenCacheEntries
    }

    /// All headers that any issuer's claims are forwarded in, with the values that `value` has for them: whatever the caller,
    /// their own copies go no further.
    package func claimHeaders(_ value: (_ issuer: Int, _ path: ClaimPath) -> [UInt8]?) -> ClaimHeaders? {
        var headers: [(name: [UInt8], value: [UInt8]?)] = []
        for (index, issuer) in issuers.enumerated() {
            for claim in issuer.forwardedClaims {
                let found = value(index, claim.path)
                if let place = headers.firstIndex(where: { $0.name == claim.header }) {
                    headers[place].value = headers[place].value ?? found
                } else {
                    headers.append((claim.header, found))
                }
            }
        }
        return headers.isEmpty ? nil : ClaimHeaders(headers)
    }
}

/// Where a key set is fetched from. Two that are equal are fetched once.
package struct KeySetSource: Sendable, Hashable {
    package var endpoint: EndpointAddress
    package var authority: String
    package var path: String
    /// By https; by http, its answers and those that it redirects to may be anybody's.
    package var isSecure: Bool
    /// PEM of the authorities that the server's certificate must lead to; `nil` for the system's.
    package var authorities: [UInt8]?
    package var rsaAlgorithm: SigningAlgorithm

    package init(
        endpoint: EndpointAddress, authority: String, path: String, isSecure: Bool = true, authorities: [UInt8]?,
        rsaAlgorithm: SigningAlgorithm
    ) {
        self.endpoint = endpoint
        self.authority = authority
        self.path = path
        self.isSecure = isSecure
        self.authorities = authorities
        self.rsaAlgorithm = rsaAlgorithm
    }
}

package import Bridging
package import Bytes
package import AccessControl
package import GRPC
package import GatewayModel
package import Metrics
package import RateLimit
package import Routing
package import Schemas
package import Transcoding
internal import Transport
package import Upstreams

/// Where a call goes, and what applies to it: one entry of `routes:`, made ready.
package final class Route: Sendable {
    package let index: Int
    package let name: String
    /// Which requests it takes, as it is written.
    package let match: RouteMatch
    package let nameBytes: [UInt8]
    /// Into the snapshot's clusters: the first, where calls are shared by several.
    package let cluster: Int
    /// What applies where no method says otherwise, then what applies to each method of `methods:`, in its order.
    package let policies: [CallPolicy]
    /// `policies`, for choosing one without counting references.
    package let policyReferences: [Borrowed<CallPolicy>]
    /// Under which its calls are counted.
    package let calls: CallGroup
    /// Calls of low priority are refused first under pressure; those of high priority have the cluster's limits for them.
    package let priority: RouteConfiguration.Priority
    /// Traffic splits, mirrors and faults; `nil` for nearly every route.
    package let traffic: TrafficPlan?
    /// Its cluster is spoken to in HTTP/1.1: whatever callers speak passes as it is, but for native gRPC.
    package let leadsToHTTP1: Bool
    package let cors: CORSPolicy?
    /// In place of the gateway's own JSON for errors.
    package let errorResponses: [ErrorResponse]
    /// What it answers itself, in place of a cluster.
    package let answer: DirectAnswer?
    /// What serves its calls where they reach no endpoint; `nil` for nearly every route.
    package let fallback: Fallback?
    /// Which answers of plain HTTP are compressed; `nil` for none.
    package let gzip: Borrowed<GzipPolicy>?
    /// JSON made of gRPC is compressed, where callers take it.
    package let compressesJSON: Bool
    private let gzipPolicy: GzipPolicy?
    private let gzipUse: GzipConfiguration.Use?
    private let json: JSONConfiguration?
    /// How its cluster's methods are reached in JSON; `nil` where no schema is known.
    package let transcoding: TranscodingPlan?
    /// Its cluster has a schema, known or not: plain HTTP means one of its methods, or nothing.
    package let hasSchema: Bool

    package enum DirectAnswer: Sendable {
        /// What can be called by HTTP, and the page made of it.
        case document, page
        case redirect(RedirectConfiguration)
        case respond(RespondConfiguration)

        /// It describes calls, and is none itself.
        var isPage: Bool {
            switch self {
            case .document, .page: true
            case .redirect, .respond: false
            }
        }
    }

    package enum Fallback: Sendable {
        /// Into the snapshot's clusters.
        case cluster(Int)
        case respond(RespondConfiguration)
    }

    package var leadsToCluster: Bool { answer == nil }

    /// Of `methods:`, in the order of their policies.
    package let methods: [String]

    package var described: DescribedRoute {
        DescribedRoute(
            index: index, name: name, match: match, cluster: cluster, plan: transcoding, isPage: answer != nil,
            allowsHTTP: policies[0].allowedProtocols.contains(.http), terms: policies.map(\.terms))
    }

    /// No parameter has a default, so that `with` leaves none out.
    package init(
        index: Int, name: String, match: RouteMatch, cluster: Int, policies: [CallPolicy], calls: CallGroup,
        priority: RouteConfiguration.Priority, leadsToHTTP1: Bool, cors: CORSPolicy?, errorResponses: [ErrorResponse],
        gzip: GzipConfiguration.Use?, json: JSONConfiguration?,
        transcoding: TranscodingPlan?, hasSchema: Bool, traffic: TrafficPlan?, answer: DirectAnswer?, fallback: Fallback?,
        methods: [String]
    ) {
        self.hasSchema = hasSchema
        self.traffic = traffic
        self.priority = priority
        self.index = index
        self.name = name
        self.match = match
        nameBytes = Array(name.utf8)
        self.cluster = cluster
        self.policies = policies
        policyReferences = policies.map { Borrowed($0) }
        self.calls = calls
        self.leadsToHTTP1 = leadsToHTTP1
        self.cors = cors
        self.errorResponses = errorResponses
        gzipUse = gzip
        compressesJSON = gzip != .off
        gzipPolicy = if case .on(let settings) = gzip { GzipPolicy(settings) } else { nil }
        self.gzip = gzipPolicy.map { Borrowed($0) }
        self.json = json
        self.answer = answer
        self.fallback = fallback
        self.methods = methods
        self.transcoding = transcoding.map { plan in
            guard let json else { return plan }
            var options = plan.options
            json.change(&options)
            return TranscodingPlan(plan, options: options)
        }
    }

    /// Placeholder route of calls that match none.
    package static func none(policy: CallPolicy, calls: CallGroup) -> Route {
        Route(
            index: -1, name: "", match: RouteMatch(), cluster: 0, policies: [policy], calls: calls, priority: .default,
            leadsToHTTP1: false, cors: nil, errorResponses: [], gzip: nil, json: nil, transcoding: nil, hasSchema: false,
            traffic: nil,
            answer: nil, fallback: nil, methods: [])
    }

    /// The same where its cluster has another schema.
    package func with(_ transcoding: TranscodingPlan) -> Route {
        Route(
            index: index, name: name, match: match, cluster: cluster, policies: policies, calls: calls, priority: priority,
            leadsToHTTP1: leadsToHTTP1, cors: cors, errorResponses: errorResponses, gzip: gzipUse, json: json,
            transcoding: transcoding,
            hasSchema: hasSchema, traffic: traffic,
            answer: answer, fallback: fallback, methods: methods)
    }
}

/// What applies to a call on a route: the route's own settings and those of the called method, merged.
package final class CallPolicy: Sendable {
    /// What its calls go through.
    package let filters: FilterList
    /// The whole call's time, and the cap on `grpc-timeout`; `nil` for none.
    package let timeout: Duration?
    /// How long a call may go on, its deadline aside; `nil` for none.
    package let maxStreamDuration: Duration?
    /// What its attempts are subject to; `nil` where there is no more than one.
    package let attempts: AttemptPolicy?
    /// Of `attempts`, for what every call checks: whether there may be several, whether they run at the same time, whether an
    /// answer's head may wait for its end, and how long a try may take, 0 for no time of its own.
    package let mayReplace: Bool
    package let isHedged: Bool
    package let holdsHeads: Bool
    package let tryNanoseconds: UInt64
    /// In place of the listener's; `nil` where it has neither, as nearly every route.
    package let streamLimits: StreamLimits?
    package let access: AccessPolicy
    /// Bad credentials count as none.
    package let ignoresInvalid: Bool
    /// Credentials of every issuer count.
    package let takesEveryIssuer: Bool
    /// Else, whether those of each do, by its place.
    private let issuers: [Bool]
    /// Counted before authentication.
    package let limitsBefore: [AppliedLimit]
    /// Counted after authentication, together with those of the caller's plan.
    package let limits: [AppliedLimit]
    /// What callers may speak.
    package let allowedProtocols: ClientProtocols
    /// What OpenAPI documents say about it.
    package let terms: OpenAPIDocument.Terms
    /// A refusal names its rule or limit to the caller.
    package let exposesRules: Bool
    /// What goes upstream in place of the caller's; `nil` for nothing.
    package let rewrite: RewriteConfiguration?
    /// Which of the caller's query parameters go upstream; `nil` for all.
    package let query: QueryChanges?
    /// There is `query`: asked without copying it.
    package let narrowsQuery: Bool
    private let requestHeaderRules: HeaderRules?
    private let responseHeaderRules: HeaderRules?
    /// `requestHeaderRules` and `responseHeaderRules`, read without counting references.
    package let requestHeaders: Borrowed<HeaderRules>?
    package let responseHeaders: Borrowed<HeaderRules>?

    /// Of a call that no route takes.
    package static func none(access: AccessPolicy) -> CallPolicy {
        CallPolicy(
            timeout: nil, access: access, limits: [], exposesRules: false, credentials: nil, needsGRPC: false,
            refusesGRPC: false)
    }

    /// - Parameters:
    ///   - credentials: what is done with them; `nil` where they are not looked at.
    ///   - needsGRPC: nothing else is served here, because the route matches a service, or leads to a cluster with a schema.
    ///   - refusesGRPC: gRPC is not served here, because the cluster speaks HTTP/1.1.
    ///   - shapes: its route has a traffic plan.
    ///   - answersItself: there is no cluster.
    ///   - hasCORS: its route has `cors`.
    ///   - compresses: its route has `gzip`.
    package init(
        timeout: Duration?, maxStreamDuration: Duration? = nil, attempts: AttemptPolicy? = nil, access: AccessPolicy,
        limits: [AppliedLimit.Entry],
        exposesRules: Bool, credentials: CredentialPlan?, needsGRPC: Bool, refusesGRPC: Bool,
        allowedProtocols: ClientProtocols = .all,
        terms: OpenAPIDocument.Terms = OpenAPIDocument.Terms(), answersItself: Bool = false, shapes: Bool = false,
        streamLimits: StreamLimits? = nil,
        hasCORS: Bool = false, compresses: Bool = false,
        rewrite: RewriteConfiguration? = nil, query: QueryChanges = QueryChanges(), requestHeaders: HeaderChanges = HeaderChanges(),
        responseHeaders: HeaderChanges = HeaderChanges()
    ) {
        self.timeout = timeout
        self.maxStreamDuration = maxStreamDuration
        self.attempts = attempts
        mayReplace = attempts != nil
        isHedged = attempts?.isHedging ?? false
        holdsHeads = attempts?.holdsHeads ?? false
        tryNanoseconds = attempts?.tryNanoseconds ?? 0
        self.streamLimits = streamLimits
        self.access = access
        let authenticates = credentials != nil
        ignoresInvalid = credentials?.ignoresInvalid ?? false
        takesEveryIssuer = credentials?.issuers == nil
        issuers = credentials?.issuers ?? []
        limitsBefore = AppliedLimit.list(limits.filter(\.isBeforeAuthentication))
        self.limits = AppliedLimit.list(limits.filter { !$0.isBeforeAuthentication })
        self.exposesRules = exposesRules
        self.rewrite = rewrite
        self.query = query.isEmpty ? nil : query
        narrowsQuery = !query.isEmpty
        requestHeaderRules = HeaderRules(requestHeaders, always: HeaderChanges.alwaysInRequests)
        responseHeaderRules = HeaderRules(responseHeaders, always: HeaderChanges.alwaysInResponses)
        self.requestHeaders = requestHeaderRules.map { Borrowed($0) }
        self.responseHeaders = responseHeaderRules.map { Borrowed($0) }
        self.allowedProtocols = allowedProtocols
        self.terms = terms

        // `protocols` always runs: listeners restrict protocols too.
        var filters: FilterList = [
            FilterList(.protocols), FilterList(.admission), FilterList(.deadline),
        ]
        if hasCORS { filters.insert(.cors) }
        if !answersItself, !refusesGRPC { filters.insert(.converter) }
        if compresses, !answersItself, !needsGRPC { filters.insert(.compression) }
        if !limitsBefore.isEmpty { filters.insert(.earlyLimits) }
        if authenticates { filters.insert(.authentication) }
        // Authenticated callers must be on a plan where plans are configured.
        if authenticates || !access.allowsAnyone { filters.insert(.authorization) }
        if needsGRPC || refusesGRPC { filters.insert(.servable) }
        // A caller's plan may have limits where the route has none.
        if authenticates || !self.limits.isEmpty { filters.insert(.limits) }
        if shapes { filters.insert(.traffic) }
        if rewrite?.path != nil || self.query != nil || self.requestHeaders != nil || self.responseHeaders != nil {
            filters.insert(.headers)
        }
        if answersItself { filters.insert(.directAnswer) }
        self.filters = filters
    }

    /// Whether credentials of the issuer at this place count.
    @inline(__always)
    package func takesIssuer(_ index: Int) -> Bool { takesEveryIssuer || issuers[index] }
}

package import AccessControl
package import Bytes
package import GRPC
package import GatewayModel
package import Transcoding
package import Transport
package import Upstreams

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
    /// What a call is charged by limits that say no cost of their own, those of its plan too.
    package let cost: UInt64
    /// Limits of the caller's plan do not count.
    package let tellsUsage: Bool
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

    /// What a policy is made of. A method's is its route's, with what the method says changed.
    package struct Settings {
        package var timeout: Duration?
        package var maxStreamDuration: Duration?
        package var attempts: AttemptPolicy?
        package var access: AccessPolicy
        package var limits: [AppliedLimit.Entry] = []
        package var cost: UInt64 = 1
        package var exposesRules = false
        /// What is done with credentials; `nil` where they are not looked at.
        package var credentials: CredentialPlan?
        /// Nothing else is served here, because the route matches a service, or leads to a cluster with a schema.
        package var needsGRPC = false
        /// gRPC is not served here, because the cluster speaks HTTP/1.1.
        package var refusesGRPC = false
        package var allowedProtocols = ClientProtocols.all
        package var terms = OpenAPIDocument.Terms()
        /// There is no cluster.
        package var answersItself = false
        /// What callers have used is told, which costs their plans nothing.
        package var tellsUsage = false
        /// The route has a traffic plan.
        package var shapes = false
        package var streamLimits: StreamLimits?
        package var hasCORS = false
        /// The route has `gzip`.
        package var compresses = false
        package var rewrite: RewriteConfiguration?
        package var query = QueryChanges()
        package var requestHeaders = HeaderChanges()
        package var responseHeaders = HeaderChanges()

        package init(access: AccessPolicy) { self.access = access }
    }

    package init(_ settings: Settings) {
        timeout = settings.timeout
        maxStreamDuration = settings.maxStreamDuration
        attempts = settings.attempts
        mayReplace = attempts != nil
        isHedged = attempts?.isHedging ?? false
        holdsHeads = attempts?.holdsHeads ?? false
        tryNanoseconds = attempts?.tryNanoseconds ?? 0
        streamLimits = settings.streamLimits
        access = settings.access
        let authenticates = settings.credentials != nil
        ignoresInvalid = settings.credentials?.ignoresInvalid ?? false
        takesEveryIssuer = settings.credentials?.issuers == nil
        issuers = settings.credentials?.issuers ?? []
        limitsBefore = AppliedLimit.list(settings.limits.filter(\.isBeforeAuthentication))
        limits = AppliedLimit.list(settings.limits.filter { !$0.isBeforeAuthentication })
        cost = settings.cost
        exposesRules = settings.exposesRules
        tellsUsage = settings.tellsUsage
        rewrite = settings.rewrite
        query = settings.query.isEmpty ? nil : settings.query
        narrowsQuery = !settings.query.isEmpty
        requestHeaderRules = HeaderRules(settings.requestHeaders, always: HeaderChanges.alwaysInRequests)
        responseHeaderRules = HeaderRules(settings.responseHeaders, always: HeaderChanges.alwaysInResponses)
        requestHeaders = requestHeaderRules.map { Borrowed($0) }
        responseHeaders = responseHeaderRules.map { Borrowed($0) }
        allowedProtocols = settings.allowedProtocols
        terms = settings.terms

        // `protocols` always runs: listeners restrict protocols too.
        var filters: FilterList = [
            FilterList(.protocols), FilterList(.admission), FilterList(.deadline),
        ]
        if settings.hasCORS { filters.insert(.cors) }
        if !settings.answersItself, !settings.refusesGRPC { filters.insert(.converter) }
        if settings.compresses, !settings.answersItself, !settings.needsGRPC { filters.insert(.compression) }
        if !limitsBefore.isEmpty { filters.insert(.earlyLimits) }
        if authenticates { filters.insert(.authentication) }
        // Authenticated callers must be on a plan where plans are configured.
        if authenticates || !access.allowsAnyone { filters.insert(.authorization) }
        if settings.needsGRPC || settings.refusesGRPC { filters.insert(.servable) }
        // A caller's plan may have limits where the route has none.
        if authenticates || !limits.isEmpty { filters.insert(.limits) }
        if settings.shapes { filters.insert(.traffic) }
        if rewrite?.path != nil || query != nil || requestHeaders != nil || responseHeaders != nil {
            filters.insert(.headers)
        }
        if settings.answersItself { filters.insert(.directAnswer) }
        self.filters = filters
    }

    /// Whether credentials of the issuer at this place count.
    @inline(__always)
    package func takesIssuer(_ index: Int) -> Bool { takesEveryIssuer || issuers[index] }
}

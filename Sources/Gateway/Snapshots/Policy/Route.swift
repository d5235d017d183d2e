package import Bridging
package import Bytes
internal import GRPC
package import GatewayModel
package import Metrics
package import Routing
package import Schemas
package import Transcoding

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
    /// There is `fallback`: asked for every call.
    package let hasFallback: Bool
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
        /// Of the caller's own tenant.
        case usage

        /// It describes calls, and is none itself.
        var isPage: Bool {
            switch self {
            case .document, .page: true
            case .redirect, .respond, .usage: false
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
        hasFallback = fallback != nil
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

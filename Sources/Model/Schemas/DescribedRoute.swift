package import Routing
package import Transcoding

/// A route, as far as schemas and the documents made of them ask.
package struct DescribedRoute {
    package let index: Int
    package let name: String
    package let match: RouteMatch
    /// Among the clusters: the first, where calls are shared by several.
    package let cluster: Int
    /// How its cluster's methods are reached in JSON; `nil` where no schema is known.
    package let plan: TranscodingPlan?
    /// The document, or its page, and not one that is written.
    package let isPage: Bool
    package let allowsHTTP: Bool
    /// What a document says of its calls, then of each method's that has an entry of its own.
    package let terms: [OpenAPIDocument.Terms]

    package init(
        index: Int, name: String, match: RouteMatch, cluster: Int, plan: TranscodingPlan?, isPage: Bool, allowsHTTP: Bool,
        terms: [OpenAPIDocument.Terms]
    ) {
        self.index = index
        self.name = name
        self.match = match
        self.cluster = cluster
        self.plan = plan
        self.isPage = isPage
        self.allowsHTTP = allowsHTTP
        self.terms = terms
    }
}

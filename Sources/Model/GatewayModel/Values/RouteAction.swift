/// `rewrite` of a route: what goes upstream in place of what the caller sent. Nothing is matched, judged or counted by it.
package struct RewriteConfiguration: Hashable, Sendable {
    package enum Path: Hashable, Sendable {
        /// The whole path; the query stays.
        case whole([UInt8])
        /// In place of what the route's `prefix` matched: `/`, or a path without a slash at its end.
        ///
        /// What follows the matched prefix is empty or begins with a slash, and a `/` in front of it adds none: with `prefix: /v1`,
        /// `/v1/a` and `/v1` become `/a` and `/` by `/`, `/api/a` and `/api` by `/api`. What follows `prefix: /` is the whole path,
        /// so that `/a` and `/` become `/api/a` and `/api/`.
        case prefix([UInt8])
        /// With `$1` … `$9` of the route's regular expression: texts, and numbers of groups.
        case groups([Piece])
    }

    package enum Piece: Hashable, Sendable {
        case text([UInt8])
        /// From 0, the whole path, to 9.
        case group(Int)
    }

    package enum Authority: Hashable, Sendable {
        case caller
        /// The endpoint's own name, as it is written in the cluster, with its port.
        case endpoint
        case host([UInt8])
    }

    /// `nil`: the caller's.
    package var path: Path?
    package var authority = Authority.caller

    package init(path: Path? = nil, authority: Authority = .caller) {
        self.path = path
        self.authority = authority
    }
}

/// `redirect` of a route, in place of a cluster: what is not said is the request's.
package struct RedirectConfiguration: Hashable, Sendable {
    package enum Scheme: String, CaseIterable, Sendable { case http, https }

    package enum Path: Hashable, Sendable {
        /// The whole path; the query stays.
        case whole(CallTemplate)
        /// In place of what the route's `prefix` matched, as a rewrite's is.
        case prefix([UInt8])
        /// With `$1` … `$9` of the route's regular expression, as a rewrite's is.
        case groups([RewriteConfiguration.Piece])
    }

    package var scheme: Scheme?
    /// A host, with a port where it is not the scheme's own.
    package var authority: [UInt8]?
    package var path: Path?
    /// 301, 302, 303, 307 or 308.
    package var code: Int

    package init(scheme: Scheme? = nil, authority: [UInt8]? = nil, path: Path? = nil, code: Int = 301) {
        self.scheme = scheme
        self.authority = authority
        self.path = path
        self.code = code
    }
}

/// `respond` of a route, in place of a cluster.
package struct RespondConfiguration: Hashable, Sendable {
    /// From 200 to 599.
    package var status: Int
    /// At most `bodyBytesMax`.
    package var body: [UInt8]
    package var contentType: [UInt8]

    package static let bodyBytesMax = 64 << 10

    package init(status: Int, body: [UInt8], contentType: [UInt8]) {
        self.status = status
        self.body = body
        self.contentType = contentType
    }
}

/// `fallback` of a route: what serves the calls that reach no endpoint of its cluster.
package enum FallbackConfiguration: Hashable, Sendable {
    /// Another cluster, by its own limits and budgets. It has no fallback in its turn.
    case cluster(String)
    /// To callers of plain HTTP; those of RPCs are refused in their own protocol.
    case respond(RespondConfiguration)

    package var cluster: String? {
        if case .cluster(let name) = self { name } else { nil }
    }
}

internal import HTTPModel
internal import Matching

extension RouteMatch {
    /// What a preflight can show of a match: of the headers of the request that it asks about it has no more than the names of those
    /// that a page sets (Fetch, section 4.8). A value that is announced counts as the one asked for.
    package var announced: RouteMatch {
        var match = self
        match.headers = headers.compactMap { header in
            // Sent by the browser itself or by a proxy: the preflight has it, too.
            if !Self.isOfPages(header.name) { return header }
            if Self.safelisted.contains(header.name) { return nil }
            let takesNone = header.value.tests.contains(.absent)
            if header.value.tests == [.absent] { return header }
            return takesNone ? nil : FieldMatch(parameter: header.name, .present)
        }
        return match
    }

    /// Fetch, section 2.2.2: whether a script may set it.
    private static func isOfPages(_ name: String) -> Bool {
        !forbiddenRequestHeaders.contains(name) && !name.hasPrefix("proxy-") && !name.hasPrefix("sec-")
            && !name.hasPrefix("access-control-")
            && !name.hasPrefix("x-forwarded-")
    }

    private static let forbiddenRequestHeaders: Set<String> = [
        "accept-charset", "accept-encoding", "connection", "content-length", "cookie", "cookie2", "date", "dnt", "expect",
        "forwarded", "host", "keep-alive", "origin", "referer", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade",
        "user-agent", "via",
    ]

    /// Some of their values need no preflight.
    private static let safelisted: Set<String> = ["accept", "accept-language", "content-language", "content-type", "range"]
}

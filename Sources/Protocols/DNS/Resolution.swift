package import Net

/// What came of looking something up.
package enum Resolution: Equatable, Sendable {
    /// Never empty, each once, with port 0. Not complete where no server could say whether there are any of the other family.
    case addresses([SocketAddress], isComplete: Bool, ttl: Duration)
    /// Never empty.
    case services([ServiceTarget], ttl: Duration)
    /// There is no such thing.
    case unknown(ttl: Duration)
    /// No server had an answer.
    case failed
}

/// A resolution, and how it was come by.
package struct LookupAnswer: Equatable, Sendable {
    package var resolution: Resolution
    /// The names that were tried, each with a search domain or as it is, for which no server had an answer.
    package var unanswered: [DomainName]
    /// Another follows otherwise: the addresses of one family, told because the other's are overdue.
    package var isFinal: Bool

    package init(_ resolution: Resolution, unanswered: [DomainName] = [], isFinal: Bool = true) {
        self.resolution = resolution
        self.unanswered = unanswered
        self.isFinal = isFinal
    }
}

package import Redis

/// Why a store outside this process does not decide; for the operator.
package enum StoreTrouble: Equatable, Sendable {
    /// Nothing came in time, `StoreHealth.timeoutsInRowMax` times in a row.
    case silent
    /// There is no connection; why, where that is known.
    case unreachable(String?)
    /// TLS fails; OpenSSL's reason.
    case insecure(String)
    /// It does not let us in; its own words.
    case notAdmitted(String)
    /// It answers, but not with a decision; its own words.
    case refusing(String)

    /// Why there is no connection to Redis, or none any more.
    package init(_ failure: RedisFailure?) {
        switch failure {
        case .refused(let words): self = .notAdmitted(Self.line(of: words))
        case .unfit(let words): self.init(error: words)
        case .security(let reason): self = .insecure(reason)
        case .malformedReply: self = .refusing("what is not RESP2")
        case .timedOut: self = .silent
        case .unreachable(let reason): self = .unreachable(reason)
        case .notConnected, .queueFull, .connectionLost, nil: self = .unreachable(nil)
        }
    }

    /// What a reply of Redis' says in place of a decision.
    package init(_ reply: RedisReply) {
        if reply.kind == .error { self.init(error: reply.text) } else { self = .refusing("a reply of another shape") }
    }

    private init(error words: String) {
        let line = Self.line(of: words)
        switch Self.code(line) {
        case "NOAUTH", "WRONGPASS", "DENIED": self = .notAdmitted(line)
        // Of a command that is too long before a password was given.
        case "ERR" where line.hasPrefix("ERR Protocol error: unauthenticated"): self = .notAdmitted(line)
        default: self = .refusing(line)
        }
    }

    /// What tells it from other trouble; `nil` where it has no words of its own, and is no news beside trouble that has.
    package var code: String? {
        switch self {
        case .silent, .unreachable: nil
        case .insecure: "TLS"
        case .notAdmitted(let words), .refusing(let words): Self.code(words)
        }
    }

    private static func code(_ words: String) -> String { String(words.prefix { $0 != " " }) }

    package static let lineCharactersMax = 200

    /// The server's first line, as it may be logged: bounded, without control characters, and without the arguments of ours that it may
    /// quote: keys have callers' names in them.
    package static func line(of words: String) -> String {
        var line = words.prefix { !$0.isNewline }
        if let arguments = line.firstRange(of: ", with args") { line = line[..<arguments.lowerBound] }
        let text = line.prefix(lineCharactersMax).map { character -> Character in
            if let ascii = character.asciiValue, ascii < 0x20 || ascii == 0x7f { return "?" }
            return character == "\"" ? "'" : character
        }
        return text.isEmpty ? "an error" : String(text)
    }
}

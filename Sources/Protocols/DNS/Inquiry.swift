package import Net
package import Time

/// One question, and the servers it is put to until one answers.
///
///     asking by datagram ──answer──▶ finished
///        │     ▲     └──truncated──▶ asking by stream ──answer──▶ finished
///        │     └── next server ──────────┘ no answer
///        └── time is up, refused, server failure: next server, all of them `attempts` times, then finished in failure
///
/// Every try has an identifier of its own, unguessable, as its source port is; what does not fit both and the question is
/// another question's answer, and waited past (RFC 5452). Pure: its owner sends, and says what came and when time was up.
package struct Inquiry {
    package let question: Question
    private let settings: ResolverSettings
    private var server = 0
    private var attempt = 0
    private var id: UInt16 = 0
    private var isExtended = true
    private var isStream = false

    /// The server that it is put to at present.
    package var currentServer: SocketAddress? { settings.servers.indices.contains(server) ? settings.servers[server] : nil }

    package enum Step: Equatable {
        /// On a new socket. Without an answer `until` then: `failed`.
        case send(to: SocketAddress, [UInt8], isStream: Bool, until: Instant)
        /// Not for us: go on waiting.
        case wait
        case finished(Finding)
    }

    package init(_ question: Question, _ settings: ResolverSettings) {
        self.question = question
        self.settings = settings
    }

    package mutating func begin(now: Instant, using random: inout some RandomNumberGenerator) -> Step {
        guard !settings.servers.isEmpty, settings.attempts > 0 else { return .finished(.failed) }
        return send(now: now, using: &random)
    }

    /// A whole message came.
    package mutating func received(_ bytes: [UInt8], now: Instant, using random: inout some RandomNumberGenerator) -> Step {
        guard let message = try? MessageReader.read(bytes), message.isResponse, message.id == id else { return .wait }
        // A server that does not know EDNS may be unable to read the question at all.
        if isExtended, message.code == .formatError || message.code == .notImplemented,
            message.question == nil || message.question == question
        {
            isExtended = false
            return send(now: now, using: &random)
        }
        guard message.question == question else { return .wait }
        if message.isTruncated {
            guard !isStream else { return failed(now: now, using: &random) }
            isStream = true
            return send(now: now, using: &random)
        }
        guard let finding = Finding(message, to: question) else { return failed(now: now, using: &random) }
        return .finished(finding)
    }

    /// Time is up, or the server cannot be reached.
    package mutating func failed(now: Instant, using random: inout some RandomNumberGenerator) -> Step {
        (isExtended, isStream) = (true, false)
        server += 1
        if server == settings.servers.count { (server, attempt) = (0, attempt + 1) }
        guard attempt < settings.attempts else { return .finished(.failed) }
        return send(now: now, using: &random)
    }

    private mutating func send(now: Instant, using random: inout some RandomNumberGenerator) -> Step {
        id = .random(in: 0 ... .max, using: &random)
        return .send(
            to: settings.servers[server], MessageWriter.query(question, id: id, isExtended: isExtended), isStream: isStream,
            until: now + settings.timeout)
    }
}

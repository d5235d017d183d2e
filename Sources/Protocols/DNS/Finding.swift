internal import Net

/// What an answer says to its question.
package enum Finding: Equatable, Sendable {
    /// Never empty. The shortest life of all records on the way to them.
    case records([Record.Data], ttlSeconds: UInt32)
    /// The name is unknown, or has no such record.
    case nothing(ttlSeconds: UInt32)
    /// No server could say.
    case failed

    private static let aliasesMax = 16

    /// - Returns: `nil` where the server could not say.
    init?(_ message: Message, to question: Question) {
        guard message.code == .noError || message.code == .noSuchName else { return nil }
        var name = question.name
        var ttl = UInt32.max
        // The server follows aliases for us; all of them stand in its answer.
        for _ in 0...Self.aliasesMax {
            let found = message.answers.filter { $0.name == name && $0.data.type == question.type }
            if !found.isEmpty {
                self = .records(found.map(\.data), ttlSeconds: found.reduce(ttl) { min($0, $1.ttlSeconds) })
                return
            }
            var next: DomainName?
            for record in message.answers where record.name == name {
                guard case .alias(let target) = record.data else { continue }
                next = target
                ttl = min(ttl, record.ttlSeconds)
                break
            }
            guard let next else {
                // RFC 2308, section 5. Without a word about it, it may be otherwise the next moment.
                for record in message.authorities {
                    guard case .authority(let seconds) = record.data else { continue }
                    self = .nothing(ttlSeconds: min(ttl, seconds, record.ttlSeconds))
                    return
                }
                self = .nothing(ttlSeconds: 0)
                return
            }
            name = next
        }
        // A circle.
        return nil
    }
}

extension Record.Data {
    var type: RecordType {
        switch self {
        case .address(.ipv4): .a
        case .address: .aaaa
        case .alias: .cname
        case .service: .srv
        case .authority: .soa
        case .other(let type): type
        }
    }
}

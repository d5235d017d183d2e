package import Sockets

/// What is looked up.
package enum Subject: Hashable, Sendable {
    /// A host's addresses.
    case host(String)
    /// Who offers a service, and where: `_grpc._tcp.orders.internal`.
    case service(String)

    package var name: String {
        switch self {
        case .host(let name), .service(let name): name
        }
    }

    fileprivate var types: [RecordType] {
        switch self {
        case .host: [.a, .aaaa]
        case .service: [.srv]
        }
    }
}

/// What came of looking something up.
package enum Resolution: Equatable, Sendable {
    /// Never empty, each once, with port 0. Not complete where nobody could say whether there are any of the other family.
    case addresses([SocketAddress], isComplete: Bool, ttl: Duration)
    /// Never empty.
    case services([ServiceTarget], ttl: Duration)
    /// There is no such thing.
    case unknown(ttl: Duration)
    /// Nobody could say.
    case failed
}

/// A name looked up: as it is and within the search domains, in the order of resolv.conf(5), all its types at once.
///
/// Pure: its owner puts the questions, and says what was found.
package struct Lookup {
    private let subject: Subject
    private var candidates: [DomainName]
    private var found: [RecordType: Finding] = [:]
    private var negativeTTLSeconds = UInt32.max

    package enum Step: Equatable {
        case ask([Question])
        /// For the other questions' findings.
        case wait
        case finished(Resolution)
    }

    package init(_ subject: Subject, _ settings: ResolverSettings) {
        self.subject = subject
        candidates = Self.candidates(subject.name, settings)
    }

    private static func candidates(_ text: String, _ settings: ResolverSettings) -> [DomainName] {
        guard let name = DomainName(text) else { return [] }
        guard text.last != "." else { return [name] }
        let longer = settings.search.compactMap { name.appending($0) }
        let dots = text.utf8.count { $0 == UInt8(ascii: ".") }
        return dots >= settings.dots ? [name] + longer : longer + [name]
    }

    package func begin() -> Step {
        guard let name = candidates.first else { return .finished(.unknown(ttl: .zero)) }
        return .ask(subject.types.map { Question(name, $0) })
    }

    package mutating func found(_ finding: Finding, for question: Question) -> Step {
        guard question.name == candidates.first else { return .wait }
        found[question.type] = finding
        guard found.count == subject.types.count else { return .wait }
        let findings = subject.types.compactMap { found[$0] }
        found = [:]
        if let resolution = resolution(findings) { return .finished(resolution) }
        // It would be a guess that the name is not the one that nobody could tell of.
        guard !findings.contains(.failed) else { return .finished(.failed) }
        for finding in findings {
            switch finding {
            case .nothing(let seconds), .records(_, let seconds): negativeTTLSeconds = min(negativeTTLSeconds, seconds)
            case .failed: break
            }
        }
        candidates.removeFirst()
        guard !candidates.isEmpty else { return .finished(.unknown(ttl: .seconds(Int64(negativeTTLSeconds)))) }
        return begin()
    }

    private func resolution(_ findings: [Finding]) -> Resolution? {
        var ttlSeconds = UInt32.max
        var addresses: [SocketAddress] = []
        var targets: [ServiceTarget] = []
        for case .records(let records, let seconds) in findings {
            ttlSeconds = min(ttlSeconds, seconds)
            for record in records {
                switch record {
                case .address(let address): if !addresses.contains(address) { addresses.append(address) }
                // The root says that the service is decidedly not offered.
                case .service(let target): if target.host != .root, !targets.contains(target) { targets.append(target) }
                default: continue
                }
            }
        }
        let ttl = Duration.seconds(Int64(ttlSeconds))
        if !addresses.isEmpty { return .addresses(addresses, isComplete: !findings.contains(.failed), ttl: ttl) }
        return targets.isEmpty ? nil : .services(targets, ttl: ttl)
    }
}

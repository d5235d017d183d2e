internal import Net
package import Time

/// A name looked up: as it is and within the search domains, in the order of resolv.conf(5), all its types at once.
///
///     asking for the first candidate ──records──▶ finished
///        │  └── one family only, the other overdue: told early, and finished when that is known
///        └── nothing, no server has an answer, or silence beyond patience: the next candidate is asked for, too
///
/// The first candidate in the order that has records counts, among those that are answered: a silent or broken search domain
/// does not hide the name. Pure: its owner puts the questions, says what was found, and comes back at `wakeAt`.
package struct Lookup {
    /// How long the addresses of one family wait for the other's (RFC 8305, section 3: Resolution Delay).
    package static let resolutionDelay = Duration.milliseconds(50)
    /// After which silence the next candidate is asked for beside this one, at most.
    package static let patienceMax = Duration.seconds(1)

    private let subject: Subject
    private let patience: Duration
    private var candidates: [Candidate]
    /// So many of the candidates have been asked for.
    private var askedCount = 0
    /// The candidate whose one family has been told.
    private var earlyIndex: Int?
    /// When the candidate that was asked for last is overdue.
    private var overdueAt: Instant?
    /// Since when addresses of one family wait for the other's.
    private var delayEndsAt: Instant?

    private struct Candidate {
        let name: DomainName
        var findings: [RecordType: Finding] = [:]
    }

    package enum Step: Equatable {
        case ask([Question])
        /// For the other questions' findings, or for `wakeAt`.
        case wait
        case finished(LookupAnswer)
        /// Not the end: findings are still wanted.
        case early(LookupAnswer)
    }

    package init(_ subject: Subject, _ settings: ResolverSettings) {
        self.subject = subject
        patience = min(settings.timeout, Self.patienceMax)
        candidates = Self.candidates(subject.name, settings).map { Candidate(name: $0) }
    }

    private static func candidates(_ text: String, _ settings: ResolverSettings) -> [DomainName] {
        guard let name = DomainName(text) else { return [] }
        guard text.last != "." else { return [name] }
        let longer = settings.search.compactMap { $0 == .root ? nil : name.appending($0) }
        let dots = text.utf8.count { $0 == UInt8(ascii: ".") }
        var seen: Set<DomainName> = []
        return (dots >= settings.dots ? [name] + longer : longer + [name]).filter { seen.insert($0).inserted }
    }

    package mutating func begin(now: Instant) -> Step { judge(now: now) }

    package mutating func found(_ finding: Finding, for question: Question, now: Instant) -> Step {
        guard let index = candidates[..<askedCount].firstIndex(where: { $0.name == question.name }) else { return .wait }
        candidates[index].findings[question.type] = finding
        return judge(now: now)
    }

    /// `wakeAt` has come.
    package mutating func timePassed(now: Instant) -> Step { judge(now: now) }

    package var wakeAt: Instant? { delayEndsAt ?? overdueAt }

    private mutating func judge(now: Instant) -> Step {
        for index in 0..<askedCount {
            let candidate = candidates[index]
            let isComplete = candidate.findings.count == subject.types.count
            if let resolution = resolution(candidate) {
                if isComplete { return .finished(LookupAnswer(resolution, unanswered: unanswered)) }
                return tellEarly(resolution, of: index, now: now)
            }
            let isOverdue = index < askedCount - 1 || overdueAt.map { now >= $0 } ?? false
            if !isComplete, !isOverdue { return .wait }
        }
        if askedCount < candidates.count { return askNext(now: now) }
        overdueAt = nil
        guard candidates.allSatisfy({ $0.findings.count == subject.types.count }) else { return .wait }
        let unanswered = unanswered
        guard unanswered.isEmpty else { return .finished(LookupAnswer(.failed, unanswered: unanswered)) }
        return .finished(LookupAnswer(.unknown(ttl: .seconds(Int64(negativeTTLSeconds)))))
    }

    /// The addresses of one family, once they have waited for the other's.
    private mutating func tellEarly(_ resolution: Resolution, of index: Int, now: Instant) -> Step {
        guard earlyIndex != index else { return .wait }
        guard let end = delayEndsAt else {
            delayEndsAt = now + Self.resolutionDelay
            return .wait
        }
        guard now >= end else { return .wait }
        earlyIndex = index
        (delayEndsAt, overdueAt) = (nil, nil)
        return .early(LookupAnswer(resolution, unanswered: unanswered, isFinal: false))
    }

    private mutating func askNext(now: Instant) -> Step {
        let name = candidates[askedCount].name
        askedCount += 1
        overdueAt = askedCount < candidates.count ? now + patience : nil
        return .ask(subject.types.map { Question(name, $0) })
    }

    /// Candidates that no server has an answer for, as far as is known.
    private var unanswered: [DomainName] {
        candidates[..<askedCount].filter { candidate in
            let isOverdue = candidate.findings.count < subject.types.count && candidate.name != candidates[askedCount - 1].name
            return resolution(candidate) == nil && (isOverdue || candidate.findings.values.contains(.failed))
        }.map(\.name)
    }

    private var negativeTTLSeconds: UInt32 {
        guard !candidates.isEmpty else { return 0 }
        return candidates.flatMap(\.findings.values).reduce(UInt32.max) { shortest, finding in
            switch finding {
            case .nothing(let seconds), .records(_, let seconds): min(shortest, seconds)
            case .failed: shortest
            }
        }
    }

    /// What its records say so far; `nil` where it has none.
    private func resolution(_ candidate: Candidate) -> Resolution? {
        var ttlSeconds = UInt32.max
        var addresses: [SocketAddress] = []
        var targets: [ServiceTarget] = []
        for type in subject.types {
            guard case .records(let records, let seconds) = candidate.findings[type] else { continue }
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
        guard addresses.isEmpty else {
            let isComplete = subject.types.allSatisfy { candidate.findings[$0].map { $0 != .failed } ?? false }
            return .addresses(addresses, isComplete: isComplete, ttl: ttl)
        }
        return targets.isEmpty ? nil : .services(targets, ttl: ttl)
    }
}

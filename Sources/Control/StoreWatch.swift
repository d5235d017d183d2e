internal import Config
internal import Gateway
internal import RateLimit
internal import Reactor

/// Says when a limit store stops deciding, and when it decides again: once for all workers, who report to the control loop.
final class StoreWatch: @unchecked Sendable {
    /// A store, as those who run the process know it.
    struct Subject: Sendable, Equatable {
        var name: String
        var timeout: Duration
        var whenUnavailable: StoreConfiguration.WhenUnavailable
    }

    private let mailbox: Mailbox
    private let notices: Notices

    // Touched on the control loop only.
    private var subject: Subject
    private var generation: UInt64
    private var workersInTrouble: Set<Int> = []

    init(_ subject: Subject, generation: UInt64, mailbox: Mailbox, notices: Notices) {
        self.subject = subject
        self.generation = generation
        self.mailbox = mailbox
        self.notices = notices
    }

    /// Another store from this generation on, of which nothing is known yet; reports about the former are over.
    func watch(_ subject: Subject, generation: UInt64) {
        self.subject = subject
        self.generation = generation
        workersInTrouble = []
    }

    /// From a worker's thread.
    func report(_ trouble: StoreTrouble?, worker: Int, generation: UInt64) {
        mailbox.post { [self] _ in hear(trouble, worker: worker, generation: generation) }
    }

    func hear(_ trouble: StoreTrouble?, worker: Int, generation: UInt64) {
        guard generation >= self.generation else { return }
        let wasWell = workersInTrouble.isEmpty
        if let trouble {
            workersInTrouble.insert(worker)
            guard wasWell else { return }
            notices.say("limit store unavailable: \(subject.consequence) store=\(subject.name) cause=\"\(text(trouble))\"")
        } else {
            workersInTrouble.remove(worker)
            guard !wasWell, workersInTrouble.isEmpty else { return }
            notices.say("limit store available again: it decides store=\(subject.name)")
        }
    }

    private func text(_ trouble: StoreTrouble) -> String {
        switch trouble {
        case .silent: "no answer within \(DurationText.text(subject.timeout))"
        case .unreachable: "cannot be reached"
        case .notAdmitted(let word): "it does not let us in: \(word)"
        case .refusing(let word): "it answers \(word)"
        }
    }
}

extension StoreWatch.Subject {
    fileprivate var consequence: String {
        switch whenUnavailable {
        case .local: "deciding locally"
        case .allow: "allowing calls uncounted"
        case .deny: "refusing limited calls"
        }
    }

    /// Never its password.
    init(_ plan: StorePlan) {
        switch plan.location {
        case .memory: name = "memory"
        case .redis(let redis): name = (redis.tls == nil ? "redis://" : "rediss://") + Self.text(redis.endpoint)
        case .service(let endpoint, _, let tls): name = (tls == nil ? "grpc://" : "grpcs://") + Self.text(endpoint)
        }
        timeout = plan.timeout
        whenUnavailable = plan.whenUnavailable
    }

    private static func text(_ endpoint: EndpointAddress) -> String {
        switch endpoint {
        case .address(let address): address.description
        case .name(let name, let port): "\(name):\(port)"
        }
    }

    init(_ store: StoreConfiguration) {
        switch store.store.value {
        case .redis(let redis): name = (redis.tls == nil ? "redis://" : "rediss://") + redis.address.description
        case .memory, .service: name = "memory"
        }
        timeout = store.timeout
        whenUnavailable = store.whenUnavailable
    }
}

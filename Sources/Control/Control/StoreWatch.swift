internal import Config
internal import Gateway
internal import Net
internal import RateLimit
internal import Reactor
internal import Upstreams

/// Says when a limit store stops deciding, and when it decides again: once for all workers, who report to the control loop.
final class StoreWatch: @unchecked Sendable {
    /// A store, as those who run the process know it.
    struct Subject: Sendable, Equatable {
        var name: String
        var timeout: Duration
        var whenUnavailable: StoreConfiguration.WhenUnavailable
    }

    private let mailbox: Mailbox
    private let diagnostics: Diagnostics

    // Touched on the control loop only.
    private var subject: Subject
    private var generation: UInt64
    private var workersInTrouble: Set<Int> = []
    /// The codes of what was said since it last decided.
    private var said: Set<String> = []

    init(_ subject: Subject, generation: UInt64, mailbox: Mailbox, diagnostics: Diagnostics) {
        self.subject = subject
        self.generation = generation
        self.mailbox = mailbox
        self.diagnostics = diagnostics
    }

    /// Another store from this generation on, of which nothing is known yet; reports about the former are over.
    func watch(_ subject: Subject, generation: UInt64) {
        self.subject = subject
        self.generation = generation
        workersInTrouble = []
        said = []
    }

    /// From a worker's thread.
    func report(_ trouble: StoreTrouble?, worker: Int, generation: UInt64) {
        mailbox.post { [self] _ in receive(trouble, worker: worker, generation: generation) }
    }

    func receive(_ trouble: StoreTrouble?, worker: Int, generation: UInt64) {
        guard generation >= self.generation else { return }
        let wasWell = workersInTrouble.isEmpty
        if let trouble {
            workersInTrouble.insert(worker)
            let isNew = trouble.code.map { said.insert($0).inserted } ?? false
            guard wasWell || isNew else { return }
            diagnostics.log(
                "limit store unavailable: \(subject.consequence) store=\(subject.name) cause=\"\(trouble.text(timeout: subject.timeout))\""
            )
        } else {
            workersInTrouble.remove(worker)
            guard !wasWell, workersInTrouble.isEmpty else { return }
            said = []
            diagnostics.log("limit store available again: it decides store=\(subject.name)")
        }
    }
}

extension StoreTrouble {
    /// - Parameter timeout: for one answer.
    func text(timeout: Duration) -> String {
        switch self {
        case .silent: "no answer within \(DurationText.text(timeout))"
        case .unreachable(let reason): reason.map { "cannot be reached: \($0)" } ?? "cannot be reached"
        case .insecure(let reason):
            "TLS: \(reason)" + (Self.isOfCleartext(reason) ? " (the server may not speak TLS on this port)" : "")
        case .notAdmitted(let words): "it does not let us in: \(words)"
        case .refusing(let words): "it answers \(words)"
        }
    }
}

extension StoreTrouble {
    /// What OpenSSL, or our own clock, says of a server that speaks something else.
    private static func isOfCleartext(_ reason: String) -> Bool {
        reason.contains("wrong version number") || reason == "no answer to the handshake"
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
        case .redis(let redis, _): name = redis.description
        case .service(let endpoint, _, _): name = "grpc://" + Self.text(endpoint)
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
        switch store.store {
        case .redis(let redis): name = redis.description
        case .memory, .service: name = "memory"
        }
        timeout = store.timeout
        whenUnavailable = store.whenUnavailable
    }
}

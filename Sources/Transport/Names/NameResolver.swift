package import DNS
package import Reactor
package import Sockets
internal import Time

/// Looks names up, and tells how long that holds.
package protocol NameLookup: AnyObject {
    /// Calls `completion` on the loop, later. Not called once the resolver is gone.
    func look(up subject: Subject, completion: @escaping (Resolution) -> Void)
}

/// What a resolver goes by: whom to ask, and what need not be asked.
package struct NameSource: Sendable {
    package var settings: ResolverSettings
    package var hosts: HostTable

    package init(settings: ResolverSettings, hosts: HostTable) {
        self.settings = settings
        self.hosts = hosts
    }
}

/// A resolver on the loop: the table of hosts first, then the servers by DNS.
///
/// A name that is asked for again before it is answered is looked up once. Nothing is remembered: who asks keeps the answer
/// for as long as it holds.
package final class NameResolver: HostResolver, NameLookup {
    private unowned(unsafe) let loop: EventLoop
    private let scratch: ScratchBuffers
    private let read: () -> NameSource
    private var source: NameSource
    private var readAt: Instant
    private var running: [Subject: LookupRun] = [:]

    /// What the table of hosts says holds so long: it may be edited.
    package static let tableTTL = Duration.seconds(5)
    /// The files behind `source` are not read more often.
    private static let readPeriod = Duration.seconds(1)

    package init(on loop: EventLoop, scratch: ScratchBuffers, source: @escaping () -> NameSource) {
        self.loop = loop
        self.scratch = scratch
        read = source
        self.source = source()
        readAt = loop.now
    }

    package func look(up subject: Subject, completion: @escaping (Resolution) -> Void) {
        if let run = running[subject] { return run.completions.append(completion) }
        if loop.now >= readAt + Self.readPeriod {
            source = read()
            readAt = loop.now
        }
        let run = LookupRun(subject, source, on: loop, scratch: scratch) { [unowned self] run, resolution in
            running[subject] = nil
            for completion in run.completions { completion(resolution) }
        }
        run.completions.append(completion)
        running[subject] = run
        run.start()
    }

    package func resolve(_ name: String, completion: @escaping ([SocketAddress]) -> Void) {
        look(up: .host(name)) { resolution in
            if case .addresses(let addresses, _, _) = resolution { completion(addresses) } else { completion([]) }
        }
    }
}

/// A lookup under way, with the questions that it has put.
private final class LookupRun {
    var completions: [(Resolution) -> Void] = []
    private let source: NameSource
    private let subject: Subject
    private var lookup: Lookup
    private var inquiries: [Question: InquiryRun] = [:]
    private unowned(unsafe) let loop: EventLoop
    private let scratch: ScratchBuffers
    private let finished: (LookupRun, Resolution) -> Void
    private var starter: Timer?

    init(
        _ subject: Subject, _ source: NameSource, on loop: EventLoop, scratch: ScratchBuffers,
        finished: @escaping (LookupRun, Resolution) -> Void
    ) {
        self.subject = subject
        self.source = source
        self.loop = loop
        self.scratch = scratch
        self.finished = finished
        lookup = Lookup(subject, source.settings)
    }

    /// Later: who asks is not answered before the call returns.
    func start() {
        starter = Timer(on: loop) { [unowned self] in begin() }
        starter?.arm(after: .zero)
    }

    private func begin() {
        if case .host(let name) = subject, case let known = source.hosts.look(up: name), !known.isEmpty {
            return finished(self, .addresses(known, isComplete: true, ttl: NameResolver.tableTTL))
        }
        take(lookup.begin())
    }

    private func take(_ step: Lookup.Step) {
        switch step {
        case .wait: return
        case .finished(let resolution): finished(self, resolution)
        case .ask(let questions):
            let runs = questions.map { question in
                InquiryRun(Inquiry(question, source.settings), on: loop, scratch: scratch) { [unowned self] finding in
                    // It is on the stack.
                    if let run = inquiries.removeValue(forKey: question) { loop.afterThisTick { withExtendedLifetime(run) {} } }
                    take(lookup.found(finding, for: question))
                }
            }
            for (question, run) in zip(questions, runs) { inquiries[question] = run }
            for run in runs { run.start() }
        }
    }
}

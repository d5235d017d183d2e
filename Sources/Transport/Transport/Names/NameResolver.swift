package import DNS
package import Net
package import Reactor
package import Sockets
internal import Time

/// Resolves names, with the time for which a result holds.
package protocol NameLookup: AnyObject {
    /// Calls `completion` on the loop, later: once, or before that with an answer that is not final. Not called once the
    /// resolver is gone.
    func look(up subject: Subject, completion: @escaping (LookupAnswer) -> Void)
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
    private let loop: EventLoop
    private let scratch: ScratchBuffers
    private let read: () -> NameSource
    private var source: NameSource
    private var readAt: Instant
    private var running: [Subject: LookupRun] = [:]
    private var order = ServerOrder()

    /// Results of the table of hosts hold so long: it may be edited.
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

    deinit {
        // What is asked at the moment ends while the loop still lives.
        running = [:]
    }

    package func look(up subject: Subject, completion: @escaping (LookupAnswer) -> Void) {
        if let run = running[subject] { return run.join(completion) }
        if loop.now >= readAt + Self.readPeriod {
            source = read()
            readAt = loop.now
        }
        let run = LookupRun(subject, source, on: loop, scratch: scratch, resolver: self)
        running[subject] = run
        run.join(completion)
        run.start()
    }

    package func resolve(_ name: String, completion: @escaping ([SocketAddress]) -> Void) {
        var isAnswered = false
        look(up: .host(name)) { answer in
            // An early result is enough to connect.
            guard !isAnswered else { return }
            isAnswered = true
            if case .addresses(let addresses, _, _) = answer.resolution { completion(addresses) } else { completion([]) }
        }
    }

    // MARK: Results

    fileprivate func finished(_ run: LookupRun) { running[run.subject] = nil }

    fileprivate func recordServer(_ server: SocketAddress, answered: Bool) {
        if answered { order.answered(server) } else { order.silent(server, now: loop.now) }
    }

    fileprivate func ordered(_ settings: ResolverSettings) -> ResolverSettings {
        var settings = settings
        settings.servers = order.order(settings.servers, now: loop.now)
        return settings
    }
}

/// A lookup under way, with the questions that it has put.
private final class LookupRun {
    let subject: Subject
    private var completions: [(LookupAnswer) -> Void] = []
    private let source: NameSource
    private var lookup: Lookup
    private var inquiries: [Question: InquiryRun] = [:]
    /// Early results, for those who join later.
    private var early: LookupAnswer?
    private var isOver = false
    private unowned(unsafe) let loop: EventLoop
    private unowned let resolver: NameResolver
    private let scratch: ScratchBuffers
    private var starter: Timer?
    private var waker: Timer?

    init(_ subject: Subject, _ source: NameSource, on loop: EventLoop, scratch: ScratchBuffers, resolver: NameResolver) {
        self.subject = subject
        self.source = source
        self.loop = loop
        self.scratch = scratch
        self.resolver = resolver
        lookup = Lookup(subject, source.settings)
    }

    func join(_ completion: @escaping (LookupAnswer) -> Void) {
        completions.append(completion)
        guard early != nil else { return }
        loop.afterThisTick { [weak self] in
            // Meanwhile all may have their results.
            if let early = self?.early { completion(early) }
        }
    }

    /// Later: who asks is not answered before the call returns.
    func start() {
        starter = Timer(on: loop) { [unowned self] in begin() }
        starter?.arm(after: .zero)
        waker = Timer(on: loop) { [unowned self] in take(lookup.timePassed(now: self.loop.now)) }
    }

    private func begin() {
        if case .host(let name) = subject, case let known = source.hosts.look(up: name), !known.isEmpty {
            return end(LookupAnswer(.addresses(known, isComplete: true, ttl: NameResolver.tableTTL)))
        }
        take(lookup.begin(now: loop.now))
    }

    private func take(_ step: Lookup.Step) {
        guard !isOver else { return }
        switch step {
        case .finished(let answer): return end(answer)
        case .wait: break
        case .early(let answer):
            early = answer
            deliver(answer)
        case .ask(let questions): ask(questions)
        }
        if let instant = lookup.wakeAt { waker?.arm(at: instant) } else { waker?.disarm() }
    }

    private func deliver(_ answer: LookupAnswer) {
        for completion in completions { completion(answer) }
    }

    /// It may end with this.
    private func end(_ answer: LookupAnswer) {
        (isOver, early) = (true, nil)
        waker?.disarm()
        loop.retire(self)
        inquiries = [:]
        resolver.finished(self)
        deliver(answer)
    }

    private func ask(_ questions: [Question]) {
        let settings = resolver.ordered(source.settings)
        let runs = questions.map { question in
            InquiryRun(
                Inquiry(question, settings), on: loop, scratch: scratch,
                onServerResult: { [unowned self] server, answered in resolver.recordServer(server, answered: answered) }
            ) { [unowned self] finding in
                if let run = inquiries.removeValue(forKey: question) { loop.retire(run) }
                take(lookup.found(finding, for: question, now: loop.now))
            }
        }
        for (question, run) in zip(questions, runs) { inquiries[question] = run }
        for run in runs { run.start() }
    }
}

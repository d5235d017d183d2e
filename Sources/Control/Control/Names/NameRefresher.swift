internal import Config
internal import Crypto
internal import DNS
internal import Gateway
internal import GatewayModel
internal import Random
internal import RateLimit
internal import Reactor
internal import Snapshots
internal import Sockets
internal import Time
internal import Transport
internal import Upstreams

/// Keeps what the names of a configuration stand for: each looked up again when its answer has lived its life, the last good
/// answer kept.
final class NameRefresher {
    /// Called when an answer differs from the one before.
    var changed: ((ResolvedNames) -> Void)?
    private(set) var resolved = ResolvedNames()
    /// What the configuration names; the hosts of services come to them.
    private var wanted: Set<Subject> = []
    private var told: Set<String> = []
    private var kept: [Subject: Kept] = [:]
    private let loop: EventLoop
    private let lookup: any NameLookup
    private var random: RandomGenerator
    private let say: (String) -> Void

    private final class Kept {
        var timer: Timer?
        var schedule = NameSchedule()
        /// There has been an answer, good or bad.
        var isSettled = false
        /// The hosts of a service that take the place of the present ones once their addresses are known.
        var coming: [ServiceTarget]?
        /// Why it was not found, the last time that it was asked for.
        var trouble: String?
        /// Found, but not for these names, which come before in the order of the search domains.
        var passedOver: [DomainName] = []
    }

    /// - Parameter say: what the operator should know, each once.
    init(
        lookup: any NameLookup, loop: EventLoop, random: RandomGenerator = .seeded(),
        say: @escaping (String) -> Void = { _ in }
    ) {
        self.say = say
        self.loop = loop
        self.lookup = lookup
        self.random = random
    }

    deinit {
        // While the loop still lives.
        kept = [:]
    }

    /// Of clusters and of the limit store.
    static func names(in snapshot: Snapshot) -> Set<Subject> {
        var names = Set(
            snapshot.clusters.flatMap(\.endpoints).compactMap { endpoint -> Subject? in
                guard case .name(let name, _) = endpoint.address else { return nil }
                return endpoint.use == .service ? .service(name) : .host(name)
            })
        switch snapshot.store.location {
        case .redis(let redis, _): for case .name(let name, _) in redis.seeds { names.insert(.host(name)) }
        case .service(.name(let name, _), _, _): names.insert(.host(name))
        case .memory, .service: break
        }
        return names
    }

    /// Every name has been answered, well or badly, at least once.
    var isSettled: Bool { kept.values.allSatisfy(\.isSettled) }

    /// These names from now on; those that are not among them any more are forgotten.
    func keep(_ names: Set<Subject>) {
        wanted = names
        told = []
        reconcile()
    }

    /// Besides, one that no configuration has: of a server that others told of.
    func seek(host name: String) {
        guard told.count < Self.toldMax, NetworkAddress.hostName(name) != nil, told.insert(name).inserted else { return }
        reconcile()
    }

    private static let toldMax = 4096

    /// Begins with names that are new, and ends with those that are not wanted any more.
    private func reconcile() {
        var needed = wanted.union(told.map { .host($0) })
        for case (.service(let name), let service) in kept where wanted.contains(.service(name)) {
            for target in (service.coming ?? []) + (resolved.services[name] ?? []) {
                needed.insert(.host(ResolvedNames.key(of: target)))
            }
        }
        for subject in kept.keys where !needed.contains(subject) {
            kept[subject] = nil
            switch subject {
            case .host(let name): resolved.addresses[name] = nil
            case .service(let name): resolved.services[name] = nil
            }
        }
        // An answer that comes at once keeps house, too.
        for subject in needed where kept[subject] == nil {
            let name = Kept()
            name.timer = Timer(on: loop) { [unowned self] in ask(subject) }
            kept[subject] = name
            ask(subject)
        }
    }

    private func ask(_ subject: Subject) {
        guard let name = kept[subject] else { return }
        lookup.look(up: subject) { [weak self, weak name] answer in
            guard let self, let name, kept[subject] === name else { return }
            let resolution = answer.resolution
            // What is told early holds until the rest is known.
            if answer.isFinal { name.timer?.arm(after: name.schedule.next(after: resolution, using: &random)) }
            name.isSettled = true
            tell(of: subject, name, answer)
            if take(resolution, for: subject, name) { changed?(resolved) }
        }
    }

    /// Of every name that was not found, why.
    var troubles: [String: String] {
        Dictionary(kept.compactMap { subject, name in name.trouble.map { (subject.name, $0) } }) { first, _ in first }
    }

    /// Said when it begins and when it is over, not again while it lasts.
    private func tell(of subject: Subject, _ name: Kept, _ answer: LookupAnswer) {
        let before = name.trouble
        switch answer.resolution {
        case .addresses, .services: name.trouble = nil
        case .unknown: name.trouble = "no such name"
        case .failed: name.trouble = "no name server has an answer" + Self.list(answer.unanswered, of: subject)
        }
        if let trouble = name.trouble {
            guard before == nil else { return }
            let isKnown =
                switch subject {
                case .host(let host): resolved.addresses[host]?.isEmpty == false
                case .service(let service): resolved.services[service]?.isEmpty == false
                }
            say("name \(subject.name): \(trouble); \(isKnown ? "what it stood for before stays" : "it stands for nothing yet")")
            return
        }
        if before != nil { say("name \(subject.name): found") }
        if !answer.unanswered.isEmpty, name.passedOver.isEmpty {
            say("name \(subject.name): found, but no name server has an answer\(Self.list(answer.unanswered, of: subject))")
        }
        name.passedOver = answer.unanswered
    }

    /// Which of the names that were tried; nothing where only the name itself was.
    private static func list(_ names: [DomainName], of subject: Subject) -> String {
        guard !names.isEmpty, names != [DomainName(subject.name)] else { return "" }
        return " for \(names.map(\.description).joined(separator: ", "))"
    }

    /// Returns whether anything is otherwise than before.
    private func take(_ resolution: Resolution, for subject: Subject, _ name: Kept) -> Bool {
        let before = resolved.addresses.count + resolved.services.count
        var isNews = false
        switch (subject, resolution) {
        case (.host(let host), .addresses(var found, let isComplete, _)):
            let former = resolved.addresses[host] ?? []
            if !isComplete {
                // Nothing is known of the other family yet: what was good a moment ago is the better guess.
                let family = found[0].family
                found += former.filter { $0.family != family && !found.contains($0) }
            }
            isNews = Set(found) != Set(former)
            if isNews { resolved.addresses[host] = found }
        case (.service, .services(let targets, _)):
            name.coming = targets
            reconcile()
        case (.host(let host), _): resolved.addresses[host] = resolved.addresses[host] ?? []
        case (.service(let service), _): resolved.services[service] = resolved.services[service] ?? []
        }
        // A waiter may depend on a name being resolved, or known to be unresolvable.
        isNews = isNews || resolved.addresses.count + resolved.services.count != before
        return takeServices() || isNews
    }

    /// A service moves once the addresses of its new hosts are known, so that it is never without any.
    private func takeServices() -> Bool {
        var (isNews, isOver) = (false, false)
        for case (.service(let name), let service) in kept {
            guard let coming = service.coming else { continue }
            let hosts = coming.map { ResolvedNames.key(of: $0) }
            let isOffered = hosts.contains { resolved.addresses[$0]?.isEmpty == false }
            // Where it had none, those that are known need not wait for those that are not.
            let isFirst = isOffered && resolved.services[name]?.isEmpty != false
            guard isFirst || hosts.allSatisfy({ kept[.host($0)]?.isSettled == true }) else { continue }
            service.coming = nil
            isOver = true
            guard isOffered || resolved.services[name] == nil else { continue }
            if Set(coming) != Set(resolved.services[name] ?? []) {
                resolved.services[name] = coming
                isNews = true
            }
        }
        if isOver { reconcile() }
        return isNews
    }
}

internal import Balancing
internal import GRPC
internal import GatewayModel
internal import Protobuf
internal import Random
internal import Reactor
package import Schemas
internal import Time
package import Transcoding
package import Transport

/// Refreshes the schemas of clusters by reflection: at once, on a schedule, and when a call's method is missing. The last
/// good schema stays until there is another.
///
/// On one loop of the process, which is not a worker's.
package final class SchemaRefresher {
    /// A cluster has another schema than before.
    package var changed: ((_ cluster: String, _ plan: TranscodingPlan) -> Void)?
    /// Called once, when every cluster of the beginning has answered or failed to.
    package var settled: (() -> Void)?
    private let store: SchemaStore
    private unowned(unsafe) let context: WorkerContext
    private let log: (String) -> Void
    private var random: RandomGenerator
    private var names = ResolvedNames()
    private var clusters: [String: Asked] = [:]
    private var timer: Timer?

    private final class Asked {
        var plan: ClusterPlan
        let schema: SchemaPlan
        let reflection: ReflectionSettings
        var schedule: SchemaSchedule
        var attempt: ReflectionAttempt?
        /// Which of the endpoints is asked next: another one after every failure.
        var turn = 0
        var isTried = false

        init(_ plan: ClusterPlan, _ schema: SchemaPlan, _ reflection: ReflectionSettings, at now: Instant) {
            self.plan = plan
            self.schema = schema
            self.reflection = reflection
            schedule = SchemaSchedule(at: now)
        }
    }

    /// - Parameter log: called with a message for the operator, each once.
    package init(store: SchemaStore, context: WorkerContext, seed: UInt64, log: @escaping (String) -> Void) {
        self.store = store
        self.context = context
        self.log = log
        random = RandomGenerator(seed: seed)
        timer = Timer(on: context.loop) { [unowned self] in askDue() }
    }

    private var now: Instant { context.loop.now }

    /// Refreshes these clusters from now on, and no others.
    package func keep(_ plans: [ClusterPlan], names: ResolvedNames) {
        self.names = names
        var former = clusters
        clusters = [:]
        for plan in plans {
            guard let schema = plan.schema, let reflection = schema.reflection else { continue }
            if let asked = former[plan.name], asked.schema == schema {
                former[plan.name] = nil
                if asked.plan.endpoints != plan.endpoints { asked.schedule.moved(at: now) }
                asked.plan = plan
                clusters[plan.name] = asked
            } else {
                clusters[plan.name] = Asked(plan, schema, reflection, at: now)
            }
        }
        for (name, asked) in former {
            asked.attempt?.cancel()
            if clusters[name] == nil { store.forget(name) }
        }
        askDue()
        checkSettled()
    }

    /// Host names have resolved to other addresses.
    package func resolve(_ names: ResolvedNames) {
        self.names = names
        for asked in clusters.values { asked.schedule.moved(at: now) }
        askDue()
    }

    /// A method was called that an endpoint of this cluster does not have, or that its schema does not.
    package func hint(cluster name: String) {
        guard let asked = clusters[name] else { return }
        asked.schedule.hinted(at: now)
        askDue()
    }

    /// Stops refreshing.
    package func stop() {
        timer = nil
        for asked in clusters.values { asked.attempt?.cancel() }
        clusters = [:]
    }

    // MARK: Asking

    private func askDue() {
        for asked in clusters.values where asked.schedule.isDue(at: now) { ask(asked) }
        if let next = clusters.values.compactMap(\.schedule.next).min() { timer?.arm(at: next) } else { timer?.disarm() }
    }

    private func ask(_ asked: Asked) {
        let places = asked.plan.places(names)
        guard !places.isEmpty else { return failed(asked, "no endpoint address is resolved") }
        asked.schedule.begun(at: now)
        let place = places[asked.turn % places.count]
        let tls = asked.plan.tls.flatMap { tls in place.serverName.map { (tls.context, $0) } }
        asked.attempt = ReflectionAttempt(place, tls: tls, timeLimit: asked.reflection.timeout, context: context) {
            [unowned self, unowned asked] result in
            asked.attempt = nil
            switch result {
            case .success(let answer): apply(answer, asked)
            case .failure(let failure): failed(asked, "\(place.address): \(failure.text)")
            }
            askDue()
            checkSettled()
        }
    }

    private func apply(_ answer: ReflectionFetch.Answer, _ asked: Asked) {
        let name = asked.plan.name
        let before = store.known[name]
        let files = withFilesFromBefore(answer, before?.files ?? []).sorted { $0.lexicographicallyPrecedes($1) }
        if before?.files != files {
            do throws(SchemaFailure) {
                let (plan, leftOut) = try asked.schema.transcoding(of: files)
                store.known[name] = SchemaStore.Known(files: files, serviceCount: plan.schema.services.count, time: now)
                log("schema \(name): \(plan.schema.services.count) services by grpc.reflection.\(answer.version.rawValue)")
                for problem in plan.problems + plan.mistakes.map(\.problem) { log("schema \(name): \(problem)") }
                for missing in answer.withoutFile { log("schema \(name): \(missing.service) is not described: \(missing.reason)") }
                for service in leftOut { log("schema \(name): \(service.service) is left out: \(service.reason)") }
                changed?(name, plan)
            } catch {
                let reasons =
                    answer.withoutFile.map { "\($0.service) is not described: \($0.reason)" }
                    + answer.missing.map { "\($0.file) was not given: \($0.reason)" }
                return failed(asked, (error.problems + reasons).joined(separator: "; "))
            }
        } else {
            store.known[name]?.time = now
            if store.troubles[name] != nil { log("schema \(name): refreshed by reflection again") }
        }
        store.troubles[name] = nil
        asked.isTried = true
        asked.schedule.succeeded(at: now, interval: asked.reflection.interval)
    }

    /// The files of an answer, and of those from before what it no longer gives of a service that it still lists or a file that
    /// is still imported: the last good description stays until there is another.
    private func withFilesFromBefore(_ answer: ReflectionFetch.Answer, _ before: [[UInt8]]) -> [[UInt8]] {
        guard !before.isEmpty, !answer.withoutFile.isEmpty || !answer.missing.isEmpty else { return answer.files }
        func outline(_ file: [UInt8]) -> FileOutline? {
            try? file.span.bytes.withUnsafeBytes { (bytes) throws(WireReader.Failure) in try FileOutline(bytes) }
        }
        var given = Set(answer.files.compactMap { outline($0)?.name })
        let former = before.compactMap { file in outline(file).map { (file, $0) } }
        let services = Set(answer.withoutFile.map(\.service))
        var waiting = answer.missing.map(\.file)
        for (_, outline) in former where outline.services.contains(where: services.contains) { waiting.append(outline.name) }
        var files = answer.files
        while let name = waiting.popLast() {
            guard let (file, outline) = former.first(where: { $0.1.name == name }), given.insert(name).inserted else { continue }
            files.append(file)
            waiting += outline.imports
        }
        return files
    }

    /// Logged when it begins, not again while it lasts.
    private func failed(_ asked: Asked, _ trouble: String) {
        let name = asked.plan.name
        asked.isTried = true
        asked.turn += 1
        asked.schedule.failed(at: now, chance: random.next())
        if store.troubles[name] == nil {
            log(
                "schema \(name): \(trouble); \(store.known[name] == nil ? "no schema is available" : "the previous schema stays in use")"
            )
        }
        store.troubles[name] = trouble
    }

    private func checkSettled() {
        guard let settled, clusters.values.allSatisfy(\.isTried) else { return }
        self.settled = nil
        settled()
    }
}

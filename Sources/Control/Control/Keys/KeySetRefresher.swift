internal import Config
internal import Gateway
internal import JOSE
internal import Random
internal import Reactor
internal import Snapshots
internal import Sockets
internal import TLS
internal import Telemetry
internal import Time
internal import Transport

/// Keeps the key sets of a configuration: fetched at once, again before they are stale, and when a token names a key that
/// is not known. The last good one stays until there is a better.
///
/// Lives on the control loop.
final class KeySetRefresher {
    /// Hears of a set that is new or has changed.
    var fetched: ((KeySet, KeySetSource) -> Void)?
    /// Called once, when every set of the beginning has come or failed.
    var settled: (() -> Void)?

    private let context: WorkerContext
    private let diagnostics: Diagnostics
    private let resolver: any HostResolver
    private var entries: [KeySetSource: Entry] = [:]
    private var random: RandomGenerator
    private var timer: Timer?

    private final class Entry {
        let source: KeySetSource
        let tls: ClientContext
        var schedule: KeySetSchedule
        var fetch: KeySetFetch?
        /// What the present keys were read from.
        var document: [UInt8]?
        var isFailing = false
        var isTried = false
        /// What was told of keys that are not used: each once, not with every new document.
        var told: Set<String> = []

        init(_ source: KeySetSource, tls: ClientContext, at now: Instant) {
            self.source = source
            self.tls = tls
            schedule = KeySetSchedule(at: now)
        }
    }

    init(
        context: WorkerContext, resolver: any HostResolver, diagnostics: Diagnostics, random: RandomGenerator
    ) {
        self.context = context
        self.resolver = resolver
        self.diagnostics = diagnostics
        self.random = random
        timer = Timer(on: context.loop) { [unowned self] in fetchDue() }
    }

    deinit {
        // While the loop still lives.
        timer = nil
        for entry in entries.values { entry.fetch?.cancel() }
    }

    private var now: Instant { context.loop.now }

    /// Keeps these from now on, and no others.
    func keep(_ sources: Set<KeySetSource>) {
        for (source, entry) in entries where !sources.contains(source) {
            entry.fetch?.cancel()
            release(entry)
            entries[source] = nil
        }
        for source in sources where entries[source] == nil {
            do throws(ContextMistake) {
                entries[source] = Entry(source, tls: try Self.context(for: source), at: now)
            } catch {
                // The authorities were read once when the snapshot was built: only a lack of memory comes to this.
                diagnostics.log("keys \(KeySetLocation(source).description): \(error.description)")
            }
        }
        fetchDue()
        checkSettled()
    }

    private static func context(for source: KeySetSource) throws(ContextMistake) -> ClientContext {
        var authorities = CertificateAuthorities.system
        if let pem = source.authorities { authorities = try CertificateAuthorities(pem: pem) }
        var settings = ClientSettings(authorities: authorities)
        settings.applicationProtocols = [.http1]
        return try ClientContext(settings)
    }

    /// A token of this set's issuer named a key that is not in it: no other set is fetched for that.
    func hint(_ source: KeySetSource) {
        if entries[source]?.schedule.hinted(at: now) == true { fetchDue() }
    }

    /// Where a set has been fetched from, now or before.
    func hasKeys(of source: KeySetSource) -> Bool { entries[source]?.document != nil }

    // MARK: Fetching

    private func fetchDue() {
        for entry in entries.values where entry.schedule.isDue(at: now) { begin(entry) }
        if let next = entries.values.compactMap(\.schedule.next).min() {
            timer?.arm(at: next)
        } else {
            timer?.disarm()
        }
    }

    private func begin(_ entry: Entry) {
        entry.schedule.begun()
        let fetch = KeySetFetch(
            KeySetLocation(entry.source), tls: entry.tls, context: context, resolver: resolver
        ) { [unowned self, unowned entry] result in
            ended(entry, result)
        }
        entry.fetch = fetch
        fetch.start()
    }

    private func ended(_ entry: Entry, _ result: Result<KeySetFetch.Document, FetchFailure>) {
        release(entry)
        entry.isTried = true
        do throws(FetchFailure) {
            let document = try result.get()
            try take(document.body, for: entry)
            entry.schedule.succeeded(at: now, freshFor: document.freshFor)
            if entry.isFailing { diagnostics.log("keys \(KeySetLocation(entry.source).description): fetched again") }
            entry.isFailing = false
        } catch {
            entry.schedule.failed(at: now, chance: random.next())
            if !entry.isFailing {
                let stays = entry.document == nil ? "there are none yet" : "those from before stay"
                diagnostics.log("keys \(KeySetLocation(entry.source).description): \(error.text); \(stays)")
            }
            entry.isFailing = true
        }
        fetchDue()
        checkSettled()
    }

    private func take(_ document: [UInt8], for entry: Entry) throws(FetchFailure) {
        // The same again changes nothing, and costs no worker its verified tokens.
        if document == entry.document { return }
        let keys: KeySet
        do throws(KeySetFailure) {
            keys = try KeySet.parse(
                document, rules: KeySet.Rules(allowsSymmetric: false, rsaAlgorithm: entry.source.rsaAlgorithm))
        } catch {
            throw .unusable(error)
        }
        tell(of: keys.skipped, entry)
        guard !keys.keys.isEmpty else { throw .noUsableKey }
        entry.document = document
        fetched?(keys, entry.source)
    }

    private static let skippedToldMax = 10

    private func tell(of skipped: [KeySet.SkippedKey], _ entry: Entry) {
        let place = "keys \(KeySetLocation(entry.source).description)"
        var lines = skipped.prefix(Self.skippedToldMax).map { key in
            let name = key.keyID.map { " (\(Quoted.text($0)))" } ?? ""
            return "\(place): key \(key.index + 1)\(name) is not used: \(key.reason.reason)"
        }
        if skipped.count > Self.skippedToldMax {
            lines.append("\(place): \(skipped.count - Self.skippedToldMax) more keys are not used")
        }
        for line in lines where !entry.told.contains(line) { diagnostics.log(line) }
        entry.told = Set(lines)
    }

    private func release(_ entry: Entry) {
        guard let fetch = entry.fetch else { return }
        entry.fetch = nil
        context.loop.retire(fetch)
        context.loop.retire(entry)
    }

    private func checkSettled() {
        guard let settled, entries.values.allSatisfy(\.isTried) else { return }
        self.settled = nil
        settled()
    }
}

extension Snapshot {
    /// Where this configuration's key sets are fetched from.
    var keySetSources: Set<KeySetSource> { Set(authentication?.issuers.compactMap(\.source) ?? []) }
}

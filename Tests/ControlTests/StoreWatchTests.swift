import GRPCTesting
import RateLimit
import Reactor
import Synchronization
import Testing

@testable import Control

@Suite("Saying that a limit store is gone")
struct StoreWatchTests {
    private final class Said: Sendable {
        let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
    }

    private let said = Said()
    private let watch: StoreWatch
    private let worker: TestWorker

    private static func subject(_ way: StoreConfiguration.WhenUnavailable) -> StoreWatch.Subject {
        StoreWatch.Subject(name: "redis://127.0.0.1:6379", timeout: .milliseconds(20), whenUnavailable: way)
    }

    init() throws {
        worker = try TestWorker()
        let said = said
        watch = StoreWatch(
            Self.subject(.local), generation: 1, mailbox: worker.loop.mailbox,
            diagnostics: Diagnostics { line in said.lines.withLock { $0.append(line) } })
    }

    @Test("however many workers notice, it is said once that it is gone, and once that it is back for all of them")
    func once() {
        for index in 0..<3 { watch.receive(.silent, worker: index, generation: 1) }
        watch.receive(.unreachable(nil), worker: 0, generation: 1)
        #expect(
            said.all == [
                #"limit store unavailable: deciding locally store=redis://127.0.0.1:6379 cause="no answer within 20ms""#
            ])
        for index in 0..<2 { watch.receive(nil, worker: index, generation: 1) }
        #expect(said.all.count == 1)
        watch.receive(nil, worker: 2, generation: 1)
        watch.receive(nil, worker: 2, generation: 1)
        #expect(said.all.dropFirst() == ["limit store available again: it decides store=redis://127.0.0.1:6379"])
    }

    @Test(
        "it says what becomes of calls meanwhile, and why",
        arguments: [
            (StoreConfiguration.WhenUnavailable.local, StoreTrouble.unreachable(nil), "deciding locally", "cannot be reached"),
            (.local, .unreachable("Connection refused"), "deciding locally", "cannot be reached: Connection refused"),
            (.allow, .notAdmitted("WRONGPASS no"), "allowing calls uncounted", "it does not let us in: WRONGPASS no"),
            (.deny, .refusing("READONLY You can't"), "refusing limited calls", "it answers READONLY You can't"),
            (
                .deny, .insecure("certificate refused: self-signed certificate"), "refusing limited calls",
                "TLS: certificate refused: self-signed certificate"
            ),
        ])
    func words(way: StoreConfiguration.WhenUnavailable, trouble: StoreTrouble, consequence: String, cause: String) {
        watch.watch(Self.subject(way), generation: 2)
        watch.receive(trouble, worker: 0, generation: 2)
        #expect(
            said.all == ["limit store unavailable: \(consequence) store=redis://127.0.0.1:6379 cause=\"\(cause)\""])
    }

    @Test("trouble with words of its own is said once more, once for all workers")
    func other() {
        watch.receive(.unreachable(nil), worker: 0, generation: 1)
        for index in 0..<3 { watch.receive(.notAdmitted("WRONGPASS a"), worker: index, generation: 1) }
        watch.receive(.notAdmitted("WRONGPASS b"), worker: 1, generation: 1)
        watch.receive(.silent, worker: 1, generation: 1)
        #expect(said.all.count == 2 && said.all.last?.contains("WRONGPASS a") == true)
        for index in 0..<3 { watch.receive(nil, worker: index, generation: 1) }
        watch.receive(.notAdmitted("WRONGPASS a"), worker: 1, generation: 1)
        #expect(said.all.count == 4)
    }

    @Test("what is heard late of a store that was replaced is not said of the new one")
    func replaced() {
        watch.receive(.silent, worker: 0, generation: 1)
        watch.watch(Self.subject(.local), generation: 2)
        watch.receive(nil, worker: 0, generation: 1)
        watch.receive(.silent, worker: 1, generation: 1)
        #expect(said.all.count == 1)
        watch.receive(.silent, worker: 1, generation: 2)
        #expect(said.all.count == 2)
    }

    @Test("a worker's report arrives on the control loop")
    func posted() {
        watch.report(.silent, worker: 0, generation: 1)
        #expect(said.all.isEmpty)
        #expect(worker.run { said.all.count == 1 })
    }
}

import Bytes
import GRPCTesting
import HTTPModel
import Reactor
import Synchronization
import Testing

@testable import Control
@testable import Transport

@Suite("Leaving")
struct GracefulShutdownTests {
    /// A worker whose listeners nobody connects to: the connectionCounts says what the test puts there.
    private final class Program: ListeningProgram {
        let listeners: WorkerListeners
        init(_ context: WorkerContext, _ connectionCounts: ConnectionCounts) {
            listeners = WorkerListeners(handler: NoHandler(), context: context, connectionCounts: connectionCounts)
        }
    }

    private final class NoHandler: StreamHandler {
        func streamHead(_ stream: StreamPointer, ended: Bool) {}
        func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {}
        func streamEnded(_ stream: StreamPointer) {}
        func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {}
    }

    private final class Said: Sendable {
        private let lines = Mutex<[String]>([])
        func record(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    /// A process that leaves, with two connections.
    private final class Leaving {
        let worker: TestWorker
        let connectionCounts = ConnectionCounts(workers: 2)
        let said = Said()
        private let group: WorkerGroup<Program>
        let shutdown: GracefulShutdown<Program>

        init(delay: Duration, timeout: Duration) throws {
            worker = try TestWorker()
            let (connectionCounts, said) = (connectionCounts, said)
            group = try WorkerGroup(count: 2) { Program($0, connectionCounts) }
            connectionCounts.add(to: 0)
            connectionCounts.add(to: 1)
            shutdown = GracefulShutdown(
                DrainConfiguration(delay: delay, timeout: timeout), group: group, connectionCounts: connectionCounts,
                loop: worker.loop,
                diagnostics: Diagnostics(to: { said.record($0) }))
        }

        deinit { group.stop() }

        var hasEnded: Bool { worker.loop.isStopped }
    }

    @Test("it waits for the last connection, and then for nobody")
    func lastConnection() throws {
        let leaving = try Leaving(delay: .zero, timeout: .seconds(30))
        leaving.worker.advance(by: .seconds(20), steps: 20)
        leaving.connectionCounts.ended(on: 0)
        leaving.worker.advance(by: .seconds(1), steps: 5)
        #expect(!leaving.hasEnded)
        leaving.connectionCounts.ended(on: 1)
        leaving.worker.advance(by: .milliseconds(40), steps: 2)
        #expect(leaving.hasEnded)
        #expect(leaving.said.all == ["leaving delay=0s timeout=30s"])
    }

    @Test("the delay comes before the time that running calls have, and after that nobody is waited for")
    func timeout() throws {
        let leaving = try Leaving(delay: .seconds(5), timeout: .seconds(10))
        leaving.worker.advance(by: .milliseconds(14_900), steps: 30)
        #expect(!leaving.hasEnded)
        leaving.worker.advance(by: .milliseconds(600), steps: 10)
        #expect(leaving.hasEnded)
        #expect(leaving.said.all.last == "leaving with 2 connections open: time is up")
    }

    @Test("told a second time it leaves at once, also within the delay", arguments: [Duration.zero, .seconds(5)])
    func hurry(delay: Duration) throws {
        let leaving = try Leaving(delay: delay, timeout: .seconds(10))
        #expect(!leaving.hasEnded)
        leaving.shutdown.forceNow()
        #expect(leaving.hasEnded)
        #expect(leaving.said.all.last == "leaving with 2 connections open: told twice")
    }
}

import Config
import GRPCTesting
import Glibc
import Net
import RateLimit
import Reactor
import Sockets
import Testing
import Time

@testable import Control

@Suite("Looking at a store")
struct StoreInspectionTests {
    /// Takes connections and says nothing.
    private final class SilentServer {
        private var descriptors: [Int32] = []
        private var socket: ListeningSocket?
        /// Its loop outlives the socket.
        private let worker: TestWorker

        init(on worker: TestWorker) throws {
            self.worker = worker
            socket = try ListeningSocket(on: worker.loop, at: .ipv4(0x7f00_0001, port: 0)) { [unowned self] in
                descriptors.append($0.descriptor)
            }
        }

        deinit {
            for descriptor in descriptors { close(descriptor) }
            socket?.close()
        }

        var connectionCount: Int { descriptors.count }

        var store: InspectedStore {
            InspectedStore(
                location: RedisLocation(address: .ip("127.0.0.1", port: socket?.address.port ?? 0)), tls: nil, prefix: "martlet")
        }
    }

    @Test("a store that is replaced while it is looked at is left at once, and nothing is told of it", arguments: [false, true])
    func replaced(byAnother: Bool) throws {
        let worker = try TestWorker()
        let (former, next) = (try SilentServer(on: worker), try SilentServer(on: worker))
        var said: [String] = []
        let armed = worker.loop.timers.armedCount
        let inspections = StoreInspections(worker.context, readFile: { _ in .failure(FileFailure("none")) }) { said.append($0) }
        inspections.inspect(former.store)
        #expect(worker.run { former.connectionCount == 1 })
        inspections.inspect(byAnother ? next.store : nil)
        if byAnother { #expect(worker.run { next.connectionCount == 1 }) }
        worker.advance(by: .seconds(10))
        #expect(said.isEmpty && worker.loop.timers.armedCount == armed)
    }
}

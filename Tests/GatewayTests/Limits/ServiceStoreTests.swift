import GRPCTesting
import HTTPModel
import RateLimit
import Reactor
import Sockets
import Testing
import Time

@testable import Gateway
@testable import Transport

@Suite("Asking a rate-limit service")
struct ServiceStoreTests {
    /// Takes every question and answers none.
    private final class SilentService: StreamHandler {
        private(set) var asked = 0
        private var server: HTTPServer!
        private var socket: ListeningSocket!

        init(on worker: TestWorker) throws {
            server = HTTPServer(name: "service", settings: .defaults, handler: self, context: worker.context)
            socket = try ListeningSocket(on: worker.loop, at: SocketAddress("127.0.0.1:0")!) { [unowned self] in
                _ = server.serve($0)
            }
        }

        deinit {
            server.end()
            socket.close()
        }

        var address: SocketAddress { socket.address }

        func streamHead(_ stream: StreamPointer, ended: Bool) { asked += 1 }
        func streamData(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {}
        func streamEnded(_ stream: StreamPointer) {}
        func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {}
    }

    private final class Decisions: LimitDelegate {
        var count = 0
        func limitDecided(_ request: LimitRequest) { count += 1 }
        func limitStoreChanged(_ trouble: StoreTrouble?) {}
    }

    private static let timeout = Duration.milliseconds(100)

    private func link(to address: SocketAddress, on worker: TestWorker) -> ServiceLink {
        ServiceLink(
            .address(address), authority: "service", tls: nil, timeout: Self.timeout, resolved: ResolvedNames(),
            context: worker.context)
    }

    @Test("a store that ends while its probe is on the way leaves no timer behind")
    func endWithProbe() throws {
        let worker = try TestWorker()
        let service = try SilentService(on: worker)
        let timers = worker.loop.timers
        let armed = timers.armedCount
        let decisions = Decisions()
        do {
            let link = link(to: service.address, on: worker)
            let plan = StorePlan(
                location: .service(.address(service.address), authority: "service", tls: nil), domain: "test",
                timeout: Self.timeout, whenUnavailable: .allow)
            let store = ServiceStore(
                plan, link: link, fallback: MemoryStore(table: CounterTable(cells: 64, seed: .random())),
                context: worker.context)
            store.delegate = decisions
            #expect(worker.run { link.ready() != nil })
            let limit = Limit(try LimitRule.parse("1/day"), name: "test", place: "test", seed: .random())
            func ask() -> LimitAnswer {
                let request = LimitRequest(keepsValues: true)
                request.reset()
                request.begin(limit)
                return store.decide(request, now: worker.loop.now, wall: worker.loop.wall)
            }
            for _ in 0..<StoreHealth.timeoutsInRowMax {
                #expect(ask() == .pending)
                worker.advance(by: .milliseconds(200))
            }
            #expect(decisions.count == StoreHealth.timeoutsInRowMax)
            worker.advance(by: StoreHealth.probeInterval)
            let asked = service.asked
            #expect(ask() == .decided(.uncounted(.allowed)))
            #expect(worker.run { service.asked == asked + 1 })
            store.shutDown()
        }
        // Nothing of it is left for the wheel to come to.
        worker.settle()
        #expect(timers.armedCount == armed)
        worker.advance(by: .seconds(1))
        #expect(decisions.count == StoreHealth.timeoutsInRowMax)
    }

    @Test("a service that is connected to and says nothing is given up after five seconds, and tried again")
    func silentConnect() throws {
        let (worker, other) = (try TestWorker(), try TestWorker())
        // Its loop never turns: the kernel connects, and nobody is there.
        let socket = try ListeningSocket(on: other.loop, at: SocketAddress("127.0.0.1:0")!) { $0.refuse() }
        defer { socket.close() }
        let link = link(to: socket.address, on: worker)
        defer {
            link.shutDown()
            worker.settle()
        }
        var failures = 0
        link.failed = { _ in failures += 1 }
        worker.advance(by: .milliseconds(4900))
        #expect(link.isConnecting && failures == 0)
        worker.advance(by: .milliseconds(200), steps: 1)
        #expect(failures == 1)
        worker.advance(by: .milliseconds(100), steps: 1)
        #expect(link.isConnecting && link.ready() == nil)
    }
}

import Bytes
import GRPC
import GRPCTesting
import HTTPModel
import LimitRules
import Net
import RateLimit
import Reactor
import Sockets
import Testing
import Time

@testable import Transport
@testable import Upstreams

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
        func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {}
        func streamEnded(_ stream: StreamPointer) {}
        func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {}
    }

    private final class Decisions: LimitDelegate {
        var count = 0
        func limitDecided(_ request: LimitRequest) { count += 1 }
        func limitStoreChanged(_ trouble: StoreTrouble?) {}

        func limitStoreLeased() {}
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
                timeout: Self.timeout, whenUnavailable: .allow, lease: nil)
            let store = ServiceStore(
                plan, link: link, fallback: MemoryStore(),
                context: worker.context)
            store.delegate = decisions
            #expect(worker.run { link.ready() != nil })
            let limit = Limit(try LimitRule.parse("1/day"), name: "test", place: "test", counters: CounterRegistry())
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

    /// Answers every question with the same bytes.
    private final class FixedService: UnaryMethod {
        var message: [UInt8] = []
        private let server: GRPCServer
        private var http: HTTPServer!
        private var socket: ListeningSocket!

        init(on worker: TestWorker) throws {
            server = GRPCServer(context: worker.context)
            http = HTTPServer(name: "service", settings: .defaults, handler: server, context: worker.context)
            socket = try ListeningSocket(on: worker.loop, at: SocketAddress("127.0.0.1:0")!) { [unowned self] in _ = http.serve($0)
            }
            server.register("/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit", .unary(self))
        }

        var address: SocketAddress { socket.address }

        func answer(_ call: GRPCCall, _ request: UnsafeRawBufferPointer, _ reply: inout ByteBuffer) -> UnaryAnswer {
            reply.append(message)
            return .done
        }

        func end() {
            http.end()
            socket.close()
        }
    }

    /// OVER_LIMIT with `duration_until_reset`, its seconds at the limit of what counts as an answer and one above.
    @Test(
        "a time until the reset that no clock reaches is no answer, and the call is decided without it",
        arguments: [
            (0, true), (31_536_000, true), (9_223_372_036, true), (9_223_372_037, false), (18_446_744_073, false),
            (18_446_744_074, false), (.max, false), (.min, false),
        ] as [(Int64, Bool)])
    func extremes(seconds: Int64, isAnswer: Bool) throws {
        let worker = try TestWorker()
        let service = try FixedService(on: worker)
        var duration = ByteBuffer()
        WireWriter.field(1, varint: UInt64(bitPattern: seconds), into: &duration)
        var status = ByteBuffer()
        WireWriter.field(1, varint: 2, into: &status)
        WireWriter.field(4, bytes: duration.readable, into: &status)
        var message = ByteBuffer()
        WireWriter.field(1, varint: 2, into: &message)
        WireWriter.field(2, bytes: status.readable, into: &message)
        service.message = Array(message.readable)
        let decisions = Decisions()
        let link = link(to: service.address, on: worker)
        let plan = StorePlan(
            location: .service(.address(service.address), authority: "service", tls: nil), domain: "test",
            timeout: Self.timeout, whenUnavailable: .deny, lease: nil)
        let store = ServiceStore(
            plan, link: link, fallback: MemoryStore(), context: worker.context)
        store.delegate = decisions
        #expect(worker.run { link.ready() != nil })
        let request = LimitRequest(keepsValues: true)
        request.reset()
        let limit = Limit(try LimitRule.parse("1/day"), name: "test", place: "test", counters: CounterRegistry())
        // A request does not retain its limits.
        defer { withExtendedLifetime(limit) {} }
        request.begin(limit)
        #expect(store.decide(request, now: worker.loop.now, wall: worker.loop.wall) == .pending)
        #expect(worker.run { decisions.count == 1 })
        #expect(request.outcome.decision == (isAnswer ? .refused : .unavailable))
        // What the refusal tells of it never overflows either.
        if isAnswer { #expect(request.verdict(at: 0).resetAfterSeconds == UInt64(seconds)) }
        store.shutDown()
        service.end()
        worker.settle()
    }

    @Test("seconds until the reset are rounded up at any size")
    func seconds() {
        for (nanoseconds, seconds) in [(0, 0), (1, 1), (1_000_000_000, 1), (1_000_000_001, 2), (UInt64.max, 18_446_744_074)]
            as [(UInt64, UInt64)]
        {
            let verdict = LimitVerdict(
                isAllowed: false, limit: 1, remaining: 0, retryAfterNanoseconds: nanoseconds, resetAfterNanoseconds: nanoseconds)
            #expect(verdict.resetAfterSeconds == seconds)
        }
    }
}

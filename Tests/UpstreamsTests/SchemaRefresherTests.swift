import Balancing
import Bytes
import GRPC
import GRPCTesting
import HTTPModel
import Net
import Schemas
import Sockets
import Testing
import Time

@testable import GatewayModel
@testable import Transport
@testable import Upstreams

@Suite("Schemas by reflection")
struct SchemaRefresherTests {
    /// Backends that tell what they serve, and who asks them.
    private final class Fixture {
        let worker: TestWorker
        let store = SchemaStore()
        let refresher: SchemaRefresher
        private let said: Said
        private(set) var backends: [TellingBackend] = []
        private(set) var changes = 0
        private(set) var isSettled = false

        private final class Said { var lines: [String] = [] }

        init(_ count: Int = 1) throws {
            worker = try TestWorker()
            let said = Said()
            self.said = said
            refresher = SchemaRefresher(store: store, context: worker.context, seed: 1) { said.lines.append($0) }
            backends = try (0..<count).map { _ in try TellingBackend(on: worker) }
            refresher.changed = { [unowned self] _, _ in changes += 1 }
            refresher.settled = { [unowned self] in isSettled = true }
        }

        deinit {
            refresher.stop()
            for backend in backends { backend.stop() }
            worker.settle()
        }

        func keep() { refresher.keep([plan], names: ResolvedNames()) }

        private lazy var plan = ClusterPlan(
            name: "orders", endpoints: backends.map { EndpointPlan(.address($0.address)) },
            balancing: BalancingSettings(), pool: .defaults, tls: nil,
            schema: SchemaPlan(SchemaConfiguration(source: .reflection(ReflectionSettings()))),
            record: ClusterRegistry().record("orders", GuardSettings()))

        var lines: [String] { said.lines }
        var questions: Int { backends.reduce(0) { $0 + $1.questions } }
    }

    @Test("a cluster is asked at once and again at its interval, and only what is otherwise is news")
    func interval() throws {
        let fixture = try Fixture()
        fixture.keep()
        #expect(fixture.worker.run { fixture.isSettled })
        #expect(fixture.changes == 1 && fixture.questions == 1 && fixture.store.known["orders"]?.serviceCount == 1)
        fixture.worker.advance(by: .seconds(59))
        #expect(fixture.questions == 1)
        fixture.worker.advance(by: .seconds(2))
        #expect(fixture.worker.run { fixture.questions == 2 })
        fixture.worker.settle()
        #expect(fixture.changes == 1)
        fixture.backends[0].tell(methods: ["Get", "Put"])
        fixture.worker.advance(by: .seconds(61))
        #expect(fixture.worker.run { fixture.changes == 2 })
        #expect(
            fixture.lines == ["schema orders: 1 services by grpc.reflection.v1", "schema orders: 1 services by grpc.reflection.v1"])
    }

    @Test("a method that is missing has it asked anew, once in ten seconds")
    func hints() throws {
        let fixture = try Fixture()
        fixture.keep()
        #expect(fixture.worker.run { fixture.isSettled })
        fixture.refresher.hint(cluster: "orders")
        fixture.worker.advance(by: .seconds(9))
        #expect(fixture.questions == 1)
        fixture.worker.advance(by: .seconds(2))
        #expect(fixture.worker.run { fixture.questions == 2 })
        fixture.worker.settle()
        fixture.worker.advance(by: .seconds(11))
        #expect(fixture.questions == 2)
        for _ in 0..<5 { fixture.refresher.hint(cluster: "orders") }
        #expect(fixture.worker.run { fixture.questions == 3 })
        fixture.worker.advance(by: .seconds(11))
        #expect(fixture.questions == 3)
    }

    @Test("one that does not answer, or answers nonsense, is said once, and the next endpoint is asked")
    func trouble() throws {
        let fixture = try Fixture(2)
        fixture.backends[0].stop()
        fixture.keep()
        #expect(fixture.worker.run { fixture.isSettled })
        #expect(fixture.store.known["orders"] == nil && fixture.store.troubles["orders"] != nil)
        fixture.worker.advance(by: .seconds(2))
        #expect(fixture.worker.run { fixture.changes == 1 })
        #expect(fixture.store.troubles["orders"] == nil && fixture.lines.count == 2)
        fixture.backends[1].tell(methods: [], of: [])
        fixture.worker.advance(by: .seconds(61))
        #expect(fixture.worker.run { fixture.store.troubles["orders"] != nil })
        fixture.worker.advance(by: .seconds(30))
        #expect(fixture.store.known["orders"]?.serviceCount == 1 && fixture.lines.count == 3)
        #expect(fixture.lines[2].hasSuffix("; the previous schema stays in use"))
    }

    @Test("a cluster that nobody asks for any more is forgotten")
    func forgotten() throws {
        let fixture = try Fixture()
        fixture.keep()
        #expect(fixture.worker.run { fixture.isSettled })
        fixture.refresher.keep([], names: ResolvedNames())
        #expect(fixture.store.known.isEmpty)
        fixture.worker.advance(by: .seconds(61))
        #expect(fixture.questions == 1)
    }
}

/// A server with nothing but reflection.
private final class TellingBackend: StreamHandler {
    private(set) var questions = 0
    private var server: GRPCServer
    private var service: ReflectionService!
    private let worker: TestWorker
    private var http: HTTPServer!
    private var socket: ListeningSocket!

    init(on worker: TestWorker) throws {
        self.worker = worker
        server = GRPCServer(context: worker.context)
        tell(methods: ["Get"])
        http = HTTPServer(name: "telling", settings: .defaults, handler: self, context: worker.context)
        socket = try ListeningSocket(on: worker.loop, at: SocketAddress("127.0.0.1:0")!) { [unowned self] in _ = http.serve($0) }
    }

    /// From now on.
    func tell(methods: [String], of services: [String] = ["a.S"]) {
        server = GRPCServer(context: worker.context)
        service = try? ReflectionService(files: [Self.file(methods)], services: services)
        service.register(on: server)
    }

    /// `a.proto` with a message M and a service S.
    private static func file(_ methods: [String]) -> [UInt8] {
        func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(content.count)] + content }
        func text(_ number: UInt8, _ content: String) -> [UInt8] { field(number, Array(content.utf8)) }
        let method = methods.flatMap { field(2, text(1, $0) + text(2, ".a.M") + text(3, ".a.M")) }
        return text(1, "a.proto") + text(2, "a") + field(4, text(1, "M")) + field(6, text(1, "S") + method) + text(12, "proto3")
    }

    var address: SocketAddress { socket.address }

    func stop() {
        http.end()
        socket.close()
    }

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        questions += 1
        server.streamHead(stream, ended: ended)
    }
    func streamData(_ stream: StreamPointer, _ slice: BufferSlice) { server.streamData(stream, slice) }
    func streamEnded(_ stream: StreamPointer) { server.streamEnded(stream) }
    func streamDrained(_ stream: StreamPointer, _ count: Int) { server.streamDrained(stream, count) }
    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { server.streamClosed(stream, reason) }
}

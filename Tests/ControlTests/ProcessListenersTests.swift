import Bytes
import GRPCTesting
import Glibc
import HTTPModel
import Net
import Reactor
import Sockets
import Synchronization
import Testing

@testable import Control
@testable import Transport

// One after the other, for one of them takes a port on all addresses.
@Suite("Listeners over a reload", .serialized)
struct ProcessListenersTests {
    private final class NoHandler: StreamHandler {
        func streamHead(_ stream: StreamPointer, ended: Bool) {}
        func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {}
        func streamEnded(_ stream: StreamPointer) {}
        func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {}
    }

    private final class Program: ListeningProgram {
        let handler = NoHandler()
        let listeners: WorkerListeners
        init(_ context: WorkerContext, _ connectionCounts: ConnectionCounts) {
            listeners = WorkerListeners(handler: handler, context: context, connectionCounts: connectionCounts)
        }
    }

    private final class Said: Sendable {
        private let lines = Mutex<[String]>([])
        func record(_ line: String) { lines.withLock { $0.append(line) } }

        /// Where the listener is that was last said to listen by this name.
        func address(of name: String) throws -> SocketAddress {
            let line = try #require(lines.withLock { $0.last { $0.hasPrefix("listening name=\(name) ") } })
            return try #require(line.split(separator: " ")[2].split(separator: "=").last.flatMap { SocketAddress(String($0)) })
        }
        var count: Int { lines.withLock { $0.count } }

        /// How many workers have taken a change.
        var published: Int { publications.withLock { $0 } }
        private let publications = Mutex(0)
        func recordPublished() { publications.withLock { $0 += 1 } }
    }

    /// A process with two workers.
    private final class Process {
        let said = Said()
        let connectionCounts = ConnectionCounts(workers: 2)
        private let group: WorkerGroup<Program>
        private let listeners: ProcessListeners<Program>

        init() throws {
            let (connectionCounts, said) = (connectionCounts, said)
            group = try WorkerGroup(count: 2) { Program($0, connectionCounts) }
            listeners = ProcessListeners(group, diagnostics: Diagnostics(to: { said.record($0) }))
        }

        deinit { group.stop() }

        func adopt(_ wanted: (name: String, address: SocketAddress)...) throws {
            try listeners.adopt(wanted.map { ListenerPlan(name: $0.name, address: $0.address, tls: nil, settings: .defaults) }) {
                [said] _ in
                said.recordPublished()
            }
        }
    }

    /// A blocking connection, whose reads give up in the end.
    private final class Caller {
        private let descriptor: Int32
        let isConnected: Bool

        init(_ address: SocketAddress) {
            let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue), 0)
            self.descriptor = descriptor
            var patience = timeval(tv_sec: 30, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
            isConnected = address.withSockaddr { connect(descriptor, $0, $1) } == 0
        }

        deinit { close(descriptor) }

        /// The first frame that a server of HTTP/2 sends is its SETTINGS; `nil` where it says nothing.
        func frameKind(afterSending bytes: [UInt8]) -> UInt8? {
            _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            var frame = [UInt8](repeating: 0, count: 9)
            guard recv(descriptor, &frame, 9, Int32(MSG_WAITALL)) == 9 else { return nil }
            var rest = [UInt8](repeating: 0, count: Int(frame[0]) << 16 | Int(frame[1]) << 8 | Int(frame[2]))
            _ = recv(descriptor, &rest, rest.count, Int32(MSG_WAITALL))
            return frame[3]
        }

        var isServed: Bool { isConnected && frameKind(afterSending: Self.preface) == 4 }

        /// PING is answered, and no GOAWAY has come before.
        var isServedOn: Bool {
            var kind = frameKind(afterSending: Self.ping)
            while let one = kind, one != 6, one != 7 { kind = frameKind(afterSending: []) }
            return kind == 6
        }

        static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
        static let ping: [UInt8] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    }

    private let anywhere = SocketAddress("127.0.0.1:0")!

    @Test("a name at another address is served there, and no more where it was")
    func addressChanged() throws {
        let process = try Process()
        // Where nobody else listens, also on the port that becomes free.
        try process.adopt(("public", SocketAddress("127.18.0.1:0")!))
        let former = try process.said.address(of: "public")
        #expect(Caller(former).isServed)
        try process.adopt(("public", SocketAddress("127.0.0.2:0")!))
        let present = try process.said.address(of: "public")
        #expect(present.host == "127.0.0.2" && Caller(present).isServed)
        #expect(!Caller(former).isConnected)
    }

    @Test("an address that goes from one of ours to all, and back, is served throughout")
    func wildcard() throws {
        let process = try Process()
        try process.adopt(("public", anywhere))
        let address = try process.said.address(of: "public")
        let all = SocketAddress("0.0.0.0:0")!.with(port: try #require(address.port))
        try process.adopt(("public", all))
        #expect(Caller(address).isServed)
        try process.adopt(("public", address))
        #expect(Caller(address).isServed)
    }

    @Test("a change is in service on every worker when it is done")
    func announced() throws {
        let process = try Process()
        for change in 1...100 {
            try process.adopt()
            #expect(process.said.published == 2 * change)
        }
    }

    @Test("another name at the same address goes on with its connections")
    func nameChanged() throws {
        let process = try Process()
        try process.adopt(("public", anywhere))
        let address = try process.said.address(of: "public")
        // The port by its number: of any port, the name says which.
        try process.adopt(("public", address))
        let caller = Caller(address)
        #expect(caller.isServed)
        try process.adopt(("front", address))
        #expect(try process.said.address(of: "front") == address)
        #expect(caller.isServedOn)
        #expect(Caller(address).isServed)
        let lines = process.said.count
        try process.adopt(("front", address))
        #expect(process.said.count == lines)
    }

    @Test("two that exchange their addresses are both served")
    func exchanged() throws {
        let process = try Process()
        try process.adopt(("a", anywhere), ("b", anywhere))
        let (a, b) = (try process.said.address(of: "a"), try process.said.address(of: "b"))
        try process.adopt(("a", a), ("b", b))
        let callers = [Caller(a), Caller(b)]
        #expect(callers.allSatisfy { $0.isServed })
        try process.adopt(("a", b), ("b", a))
        #expect(try process.said.address(of: "a") == b)
        #expect(try process.said.address(of: "b") == a)
        #expect(callers.allSatisfy { $0.isServedOn })
        #expect(Caller(a).isServed && Caller(b).isServed)
    }

    @Test("a connection on its way to a worker when its listener goes is refused there, also where another has its name")
    func handedOverLate() throws {
        let worker = try TestWorker()
        let connectionCounts = ConnectionCounts(workers: 1)
        let program = Program(worker.context, connectionCounts)
        let former = ConnectionCounts(workers: 1)
        let present = ConnectionCounts(workers: 1)
        let plan = ListenerPlan(name: "public", address: anywhere, tls: nil, settings: .defaults)
        program.listeners.open(plan, as: ListenerID(number: 1), load: former)
        var accepted: [AcceptedSocket] = []
        let socket = try ListeningSocket(on: worker.loop, at: anywhere) { accepted.append($0) }
        let caller = Caller(socket.address)
        #expect(worker.run { !accepted.isEmpty })
        socket.close()
        // Counted by who accepted it, and then the reload comes first.
        connectionCounts.add(to: 0)
        former.add(to: 0)
        program.listeners.close(ListenerID(number: 1))
        program.listeners.open(plan, as: ListenerID(number: 2), load: present)
        program.listeners.serve(accepted[0], former, listener: ListenerID(number: 1))
        #expect(connectionCounts.total == 0 && former.total == 0 && present.total == 0)
        #expect(caller.frameKind(afterSending: Caller.preface) == nil)
        program.listeners.end()
        worker.settle()
    }
}

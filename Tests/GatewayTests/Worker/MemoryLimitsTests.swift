import Bytes
import GRPCTesting
import GatewayModel
import HTTPModel
import Net
import Snapshots
import Sockets
import Testing
import Transport
import Upstreams

@testable import Gateway

@Suite("Caps on what bodies hold")
struct MemoryLimitsTests {
    @Test("workers share the process's cap", arguments: [(1, 100), (3, 33), (0, 100)])
    func share(workers: Int, bytes: Int) {
        #expect(MemoryLimits(MemoryConfiguration(process: 100, connection: 50), workers: workers).workerBytesMax == bytes)
    }

    @Test("a caller that reads nothing loses calls, the largest first, until its connection holds what it may")
    func slowReader() throws {
        let gateway = try TestGateway()
        let backend = try TestBackend(on: gateway.outside)
        try gateway.adopt([.address(backend.address)], generation: 2) { _, memory in memory.connection = 300 << 10 }
        let slow = try gateway.caller()
        let calls = (0..<3).map { _ in slow.begin("/hold.S/Slow", ended: true) }
        for call in calls { call.isHolding = true }
        #expect(gateway.run { backend.held.count == 3 })
        // Each stream's windows would let the gateway hold 256 KiB.
        for stream in backend.held { backend.pour(stream, bytes: 600 << 10) }
        #expect(gateway.run { calls.count { $0.close == .reset(11) } == 2 })
        gateway.outside.settle()
        let left = calls.filter { $0.close == nil }
        #expect(left.count == 1, "one alone is below the cap")
        // What it holds came among the bytes of the others, in buffers that stay as a whole.
        #expect(gateway.inside.context.chunks.bytesInUse <= 3 * ChunkPool.readBufferBytes)
        // Another caller is none the worse, and what was left goes on where it stood.
        let other = try gateway.caller()
        #expect(other.unary("/a.S/Call", []).status == "0")
        left[0].isHolding = false
        #expect(gateway.run { left[0].bodyBytes == 600 << 10 })
        slow.connection.channel.abort()
        #expect(gateway.run { gateway.gateway.callCount == 0 })
        #expect(gateway.inside.context.chunks.bytesInUse == 0)
    }

    @Test("a backend that takes nothing costs its caller the call, not the gateway its memory")
    func slowBackend() throws {
        let gateway = try TestGateway()
        let backend = try TestBackend(on: gateway.outside)
        backend.takesBodies = false
        try gateway.adopt([.address(backend.address)], generation: 2) { _, memory in memory.connection = 100 << 10 }
        let caller = try gateway.caller()
        let large = caller.begin("/hold.S/Large")
        #expect(gateway.run { backend.held.count == 1 })
        large.send([UInt8](repeating: 0, count: 700 << 10))
        #expect(gateway.run { large.isOver })
        #expect(large.status == "14")
        #expect(large.field("grpc-message") == "the gateway is overloaded")
        #expect(gateway.run { backend.held.isEmpty }, "and the backend is told")
        let small = caller.begin("/hold.S/Small")
        small.send([UInt8](repeating: 0, count: 50 << 10))
        #expect(gateway.run { backend.held.count == 1 })
        backend.answer(backend.held[0])
        #expect(gateway.run { small.isOver })
        #expect(small.status == "0")
    }

    @Test("at nine tenths of the process's cap no new call is taken, one byte below it is")
    func full() throws {
        let gateway = try TestGateway()
        let backend = try TestBackend(on: gateway.outside)
        let endpoint = EndpointAddress.address(backend.address)
        try gateway.adopt([endpoint], generation: 2)
        let caller = try gateway.caller()
        let slow = caller.begin("/hold.S/Slow", ended: true)
        slow.isHolding = true
        #expect(gateway.run { backend.held.count == 1 })
        backend.pour(backend.held[0], bytes: 600 << 10)
        gateway.outside.settle()
        let held = gateway.inside.context.chunks.bytesInUse
        #expect(held > 100 << 10)
        // So that what is held is a whole number of tenths.
        try gateway.adopt([endpoint], generation: 3) { _, memory in memory.process = held / 9 * 10 }
        let refused = caller.begin("/a.S/Call", ended: true)
        #expect(gateway.run { refused.isOver })
        #expect(refused.status == "14")
        #expect(refused.field("grpc-message") == "the gateway is overloaded")
        #expect(slow.close == nil, "those that run go on")
        try gateway.adopt([endpoint], generation: 4) { _, memory in memory.process = (held / 9 + 1) * 10 }
        let taken = caller.begin("/a.S/Call", ended: true)
        #expect(gateway.run { taken.isOver })
        #expect(taken.status == "0")
        // Its window is more than what is held now.
        try gateway.adopt([endpoint], generation: 5)
        slow.isHolding = false
        #expect(gateway.run { slow.bodyBytes == 600 << 10 })
    }

    @Test("above the process's cap the stream that holds most of all ends, not the one whose bytes came last")
    func largestOfAll() throws {
        let gateway = try TestGateway()
        let backend = try TestBackend(on: gateway.outside)
        let endpoint = EndpointAddress.address(backend.address)
        try gateway.adopt([endpoint], generation: 2)
        let (greedy, modest) = (try gateway.caller(), try gateway.caller())
        let slow = greedy.begin("/hold.S/Slow", ended: true)
        slow.isHolding = true
        #expect(gateway.run { backend.held.count == 1 })
        backend.pour(backend.held[0], bytes: 600 << 10)
        gateway.outside.settle()
        let small = modest.begin("/hold.S/Small", ended: true)
        #expect(gateway.run { backend.held.count == 2 })
        let held = gateway.inside.context.chunks.bytesInUse
        try gateway.adopt([endpoint], generation: 3) { _, memory in memory.process = held }
        let stream = try #require(backend.held.last)
        backend.pour(stream, bytes: 1000)
        #expect(gateway.run { slow.close == .reset(11) && small.bodyBytes == 1000 })
        #expect(small.close == nil)
        #expect(gateway.run { gateway.inside.context.chunks.bytesInUse == 0 })
    }

    @Test("bodies that wait for a connection count: the call that has sent most is refused, the others are served")
    func waitingBodies() throws {
        let gateway = try TestGateway()
        var silent: [AcceptedSocket] = []
        let socket = try ListeningSocket(on: gateway.outside.loop, at: SocketAddress("127.0.0.1:0")!) { silent.append($0) }
        defer {
            for socket in silent { socket.refuse() }
            socket.close()
        }
        try gateway.adopt([.address(socket.address)], generation: 2) { _, memory in memory.process = 300 << 10 }
        let caller = try gateway.caller()
        let calls = [40, 60, 240].map { kibibytes in
            let call = caller.begin("/a.S/Call")
            call.send([UInt8](repeating: 0, count: kibibytes << 10))
            return call
        }
        #expect(gateway.run { calls[2].isOver })
        #expect(calls[2].status == "14")
        #expect(!calls[0].isOver && !calls[1].isOver)
        #expect(gateway.inside.context.chunks.bytesInUse <= 300 << 10)
    }
}

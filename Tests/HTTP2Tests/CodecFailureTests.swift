import Bytes
import CNghttp2
import HTTPModel
import Testing

@testable import HTTP2

/// What becomes of a connection whose codec fails: nghttp2 refuses a call, or has no memory for it.
@Suite("Failures of the codec")
struct CodecFailureTests {
    private static func isLeaked(_ side: Side) -> Bool {
        side.lose()
        return side.session.streamCount != 0 || side.pool.liveCount != 0 || side.chunks.bytesInUse != 0
    }

    /// A server's work: answers with and without bodies, 1xx, trailers, resets, PINGs and GOAWAY; and what the peer sends to it.
    private static func serve(_ side: Side) throws {
        side.heard.onHead = { stream in
            side.inform(stream, [(":status", "103"), ("link", "a")])
            side.respond(stream, ended: false)
            side.send(stream, [1, 2, 3])
        }
        side.heard.onEnd = { stream in
            if stream.id == 5 {
                side.session.reset(stream, .cancel)
            } else {
                side.finish(stream, trailers: [("grpc-status", "0")])
            }
        }
        try side.input(Raw.hello)
        _ = try side.output()
        for id: UInt32 in [1, 3, 5] { try side.input(Raw.headers(stream: id, Side.post, ended: false)) }
        _ = try side.output()
        for id: UInt32 in [1, 3, 5] {
            for _ in 0..<20 { try side.input(Raw.data(stream: id, [UInt8](repeating: 7, count: 16_000))) }
            _ = try side.output()
            try side.input(Raw.data(stream: id, [7], ended: true))
        }
        side.session.ping(1)
        side.session.submitEmptySettings()
        try side.input(Raw.frame(6, [0, 0, 0, 0, 0, 0, 0, 1]))
        _ = try side.output()
        side.session.announceShutdown()
        _ = try side.output()
        side.session.goAway(.noError)
        _ = try side.output()
    }

    /// A client's: requests with and without bodies, and what a server answers.
    private static func call(_ side: Side) throws {
        try side.input(Raw.settings)
        _ = try side.output()
        for id: UInt32 in [1, 3, 5] {
            guard let stream = side.request(Side.post, ended: false) else { continue }
            side.send(stream, [1, 2, 3])
            _ = try side.output()
            side.send(stream, [4])
            try side.input(Raw.headers(stream: id, [(":status", "200"), ("x-a", "b")], ended: false))
            try side.input(Raw.data(stream: id, [UInt8](repeating: 7, count: 16_000)))
            if id == 5 { side.session.reset(stream, .cancel) } else { side.finish(stream, trailers: [("x-c", "d")]) }
            _ = try side.output()
            if id != 5 { try side.input(Raw.headers(stream: id, [("grpc-status", "0")])) }
        }
        side.session.ping(2)
        try side.input(Raw.frame(7, [0, 0, 0, 5, 0, 0, 0, 0]))
        _ = try side.output()
    }

    @Test(
        "wherever memory is out, the connection ends with INTERNAL_ERROR and each stream is closed once",
        arguments: [Session.Role.server, .client], [true, false])
    func outOfMemory(role: Session.Role, forGood: Bool) throws {
        var failures = 0
        for count in 0... {
            let memory = ScarceMemory()
            let side = Side(role, memory: memory.allocator)
            memory.fail(after: count, forGood: forGood)
            var misuse: Session.Misuse?
            var rest: [UInt8] = []
            do {
                try role == .server ? Self.serve(side) : Self.call(side)
            } catch let error as Session.Misuse {
                misuse = error
                rest = (try? side.output()) ?? []
            }
            guard memory.hasFailed else {
                #expect(misuse == nil && side.session.fault == nil)
                break
            }
            failures += 1
            #expect(side.session.fault == .internalError, "at allocation \(count)")
            #expect(side.session.isFinished, "at allocation \(count)")
            if misuse != nil, !forGood { #expect(Raw.goAwayCode(rest) == 2, "at allocation \(count)") }
            #expect(!Self.isLeaked(side))
            for (id, heard) in side.heard.streams { #expect(heard.closed != nil, "stream \(id) at allocation \(count)") }
            #expect(side.heard.closings == side.heard.streams.count)
        }
        #expect(failures > 20)
    }

    @Test("a call that nghttp2 refuses ends the connection in order: GOAWAY, and its streams are told that it is lost")
    func refusedCall() throws {
        let memory = ScarceMemory()
        let side = Side(.server, memory: memory.allocator)
        try side.input(Raw.hello + Raw.headers(stream: 1, Side.post, ended: false) + Raw.headers(stream: 3, Side.post))
        _ = try side.output()
        memory.fail(after: 0, forGood: false)
        side.respond(try #require(side.heard.live[3]), ended: true)
        #expect(side.session.wantsToSend)
        let output = try side.output()
        #expect(Raw.goAwayCode(output) == 2)
        #expect(!Raw.parse(output).contains { $0.type == 1 })
        #expect(side.session.isFinished)
        #expect(side.session.fault == .internalError)
        #expect(side.heard[1].closed == nil)
        side.lose()
        #expect(side.heard[1].closed == .connectionLost && side.heard[3].closed == .connectionLost)
    }

    @Test("without memory for a GOAWAY the connection is finished at once")
    func withoutGoAway() throws {
        let memory = ScarceMemory()
        let side = Side(.server, memory: memory.allocator)
        try side.input(Raw.hello + Raw.headers(stream: 1, Side.post))
        _ = try side.output()
        memory.fail(after: 0, forGood: true)
        side.session.ping(1)
        #expect(side.session.isFinished)
        #expect(side.session.fault == .internalError)
    }

    @Test("a session that is about to end begins no request")
    func requestBehindFailure() throws {
        let memory = ScarceMemory()
        let side = Side(.client, memory: memory.allocator)
        try side.input(Raw.settings)
        _ = try side.output()
        memory.fail(after: 0, forGood: false)
        side.session.ping(1)
        #expect(side.request() == nil)
        #expect(side.session.streamCount == 0)
        #expect(Raw.goAwayCode(try side.output()) == 2)
    }

    @Test("the last stream identifier is used, and the next request is refused without harm to the connection")
    func identifiersUsedUp() throws {
        let pair = Pair()
        pair.server.heard.onEnd = { pair.server.respond($0, ended: true) }
        try pair.run()
        #expect(nghttp2_session_set_next_stream_id(pair.client.session.handle, .max) == 0)
        let last = try #require(pair.client.request())
        #expect(last.pointee.id == .max)
        #expect(pair.client.request() == nil)
        try pair.run()
        #expect(pair.client.heard[.max].closed == .complete)
        #expect(pair.client.session.fault == nil)
        #expect(pair.client.session.streamCount == 0)
    }
}

/// nghttp2's memory, which ends when a test says so.
private final class ScarceMemory {
    let allocator = NGHTTP2Allocator()
    private let state: UnsafeMutablePointer<State>

    private struct State {
        let functions: nghttp2_mem
        /// Allocations that still succeed; `nil` for all.
        var left: Int?
        var forGood = false
        var hasFailed = false

        /// Whether the next allocation fails.
        mutating func fails() -> Bool {
            guard let left else { return false }
            guard left == 0 else {
                self.left = left - 1
                return false
            }
            if !forGood { self.left = nil }
            hasFailed = true
            return true
        }
    }

    init() {
        state = .allocate(capacity: 1)
        state.initialize(to: State(functions: allocator.pointer.pointee))
        allocator.pointer.pointee.mem_user_data = UnsafeMutableRawPointer(state)
        allocator.pointer.pointee.malloc = { size, user in
            let state = user!.assumingMemoryBound(to: State.self)
            return state.pointee.fails() ? nil : state.pointee.functions.malloc(size, state.pointee.functions.mem_user_data)
        }
        allocator.pointer.pointee.calloc = { count, size, user in
            let state = user!.assumingMemoryBound(to: State.self)
            return state.pointee.fails() ? nil : state.pointee.functions.calloc(count, size, state.pointee.functions.mem_user_data)
        }
        allocator.pointer.pointee.realloc = { block, size, user in
            let state = user!.assumingMemoryBound(to: State.self)
            return state.pointee.fails() ? nil : state.pointee.functions.realloc(block, size, state.pointee.functions.mem_user_data)
        }
        allocator.pointer.pointee.free = { block, user in
            let state = user!.assumingMemoryBound(to: State.self)
            state.pointee.functions.free(block, state.pointee.functions.mem_user_data)
        }
    }

    deinit { state.deallocate() }

    /// - Parameter forGood: else only one allocation fails.
    func fail(after count: Int, forGood: Bool) {
        state.pointee.left = count
        state.pointee.forGood = forGood
    }

    var hasFailed: Bool { state.pointee.hasFailed }
}

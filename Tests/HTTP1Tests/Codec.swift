import Bytes
import HTTPModel
import HTTPTesting

@testable import HTTP1

/// A codec with a handler that notes everything, and no connection under it.
final class Codec: StreamHandler {
    let server: HTTP1ServerCodec
    /// What happened, in order.
    var events: [String] = []
    var output = ""
    /// Fields of the last head, as `name: value`.
    var fields: [String] = []
    var body = ""
    /// What to do when a head has come; nothing answers otherwise.
    var onHead: (Codec, StreamPointer) -> Void = { _, _ in }
    var onData: (Codec, StreamPointer, Int) -> Void = { codec, stream, count in stream.unconsumed -= count }
    /// The buffers that parts of the body have named.
    var buffers: [ReadBuffer?] = []
    var drained = 0
    var endedCalls = 0
    private(set) var stream: StreamPointer?
    private let chunks: ChunkPool
    private let pool: StreamPool
    private let queue = EventQueue()
    let input: ReadBuffer
    private var now: UInt64 = 1

    static let noon: Int64 = 784_111_777

    init(limits: HTTP1Limits = HTTP1Limits(), windowBytes: Int = 1 << 20, isSecure: Bool = false) {
        chunks = ChunkPool()
        pool = StreamPool(chunks: chunks)
        input = chunks.acquireReadBuffer()
        server = HTTP1ServerCodec(
            limits: limits, windowBytes: windowBytes, isSecure: isSecure,
            connection: UnsafeMutableRawPointer(bitPattern: 8)!, pool: pool, events: queue, date: DateText())
        server.requestListener = UnownedReference(self)
    }

    deinit {
        lose()
        chunks.release(input)
    }

    var liveStreams: Int { pool.liveCount }

    /// Sends `text` to the codec, `step` bytes at a time, each time with what it then has to say.
    @discardableResult
    func receive(_ text: String, step: Int = .max) -> Codec {
        let bytes = Array(text.utf8)
        var start = 0
        repeat {
            let end = min(bytes.count, start + min(step, bytes.count))
            bytes.withUnsafeBytes { read(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
            start = end
            produce()
        } while start < bytes.count
        return self
    }

    private func read(_ bytes: UnsafeRawBufferPointer) {
        input.memory.copyMemory(from: bytes)
        server.receive(input.first(bytes.count), now: now)
        while server.readNext() { deliver() }
        server.keepUnread()
    }

    private func deliver() { endedCalls += deliverEvents(of: server, queue) }

    func lose() { endedCalls += HTTP1Tests.lose(server, queue) }

    func produce(limit: Int = 64 << 10) {
        now += 1
        while true {
            var buffer = GatherBuffer(capacity: 256)
            var goesOn = true
            while goesOn {
                read(UnsafeRawBufferPointer(start: nil, count: 0))
                goesOn = server.produce(into: &buffer, limit: limit, now: now, wallSeconds: Self.noon)
                deliver()
            }
            if buffer.count == 0 { return }
            output += String(decoding: buffer.bytes.readable, as: UTF8.self)
        }
    }

    /// What was said since the last time, without the date.
    func takeOutput() -> String {
        defer { output = "" }
        return output.replacing("date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", with: "").replacing("\r\n", with: "\n")
    }

    // MARK: Answers

    /// Answers every request with its status and body, whole.
    func answering(_ status: String = "200", _ body: String = "hello", length: Bool = true) -> Codec {
        onHead = { codec, stream in codec.answer(stream, status, body, length: length) }
        return self
    }

    func answer(_ stream: StreamPointer, _ status: String = "200", _ body: String = "hello", length: Bool = true) {
        begin(stream, [(":status", status)] + (length ? [("content-length", "\(body.utf8.count)")] : []), ended: body.isEmpty)
        if !body.isEmpty { send(stream, body) }
        server.finish(stream)
    }

    func begin(_ stream: StreamPointer, _ fields: [(String, String)], ended: Bool = false) {
        withFields(fields) { server.respond(stream, $0, ended: ended) }
    }

    func inform(_ stream: StreamPointer, _ status: String) {
        withFields([(":status", status)]) { server.inform(stream, $0) }
    }

    func send(_ stream: StreamPointer, _ text: String) {
        Array(text.utf8).withUnsafeBytes { server.send(stream, $0) }
    }

    func finish(_ stream: StreamPointer, trailers: [(String, String)]) {
        server.finish(stream, trailers: stream.fields.keepFields(trailers))
    }

    private func withFields(_ fields: [(String, String)], _ body: (UnsafeBufferPointer<Field>) -> Void) {
        var block = FieldBlock()
        for (name, value) in fields { block.append(name, value) }
        body(block.all)
        block.destroy()
    }

    // MARK: Events

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        self.stream = stream
        fields = (0..<stream.fields.count).map {
            "\(stream.fields[$0].nameText): \(stream.fields[$0].valueText)"
        }
        events.append(ended ? "head, ended" : "head")
        onHead(self, stream)
    }

    func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        body += String(decoding: slice.bytes, as: UTF8.self)
        buffers.append(slice.buffer)
        onData(self, stream, slice.count)
    }

    func streamEnded(_ stream: StreamPointer) {
        let trailers = (stream.trailersStart..<stream.fields.count).map {
            " \(stream.fields[$0].nameText)=\(stream.fields[$0].valueText)"
        }
        events.append("ended\(trailers.joined())")
    }

    func streamDrained(_ stream: StreamPointer, _ count: Int) { drained += count }

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        self.stream = nil
        events.append("closed \(reason)")
    }
}

/// Delivers what waits, as a connection does.
/// - Returns: how many streams have ended.
@discardableResult
func deliverEvents(of codec: any HTTP1Codec, _ events: EventQueue) -> Int {
    var ended = 0
    events.deliver(now: 1) { event in
        guard case .streamClosed(let stream) = event else { return }
        codec.release(stream)
        ended += 1
    }
    return ended
}

/// Ends the connection under a codec.
@discardableResult
func lose(_ codec: any HTTP1Codec, _ events: EventQueue, inOrder: Bool = false) -> Int {
    var ended = 0
    if inOrder {
        codec.peerEnded()
        codec.receive(.none, now: 1)
        while codec.readNext() { ended += deliverEvents(of: codec, events) }
        codec.keepUnread()
    }
    let reason = codec.connectionLost()
    if let stream = codec.current {
        stream.notify { $0.streamClosed(stream, reason) }
        codec.release(stream)
        ended += 1
    }
    return ended
}

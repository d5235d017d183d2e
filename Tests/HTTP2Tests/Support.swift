import Bytes
import HTTPModel
import HTTPTesting

@testable import HTTP2

/// What one side of a connection heard, stream by stream.
final class Recorder: StreamHandler {
    struct Heard: Equatable {
        var informational: [[String]] = []
        var head: [String]?
        var body: [UInt8] = []
        var trailers: [String]?
        var ended = false
        var drained = 0
        var headTooLarge = false
        var closed: StreamClose?
    }

    var streams: [Int32: Heard] = [:]
    var live: [Int32: StreamPointer] = [:]
    var goAways = 0
    var pongs: [UInt64] = []
    var settingsChanges = 0
    var streamsEnded = 0
    var closings = 0
    /// What happened on streams, in order.
    var order: [String] = []
    /// Gives windows back as data arrives.
    var consumes = true
    unowned(unsafe) let session: Session
    /// Called at the head: what a server answers with.
    var onHead: (StreamPointer) -> Void = { _ in }
    var onEnd: (StreamPointer) -> Void = { _ in }
    var onData: (StreamPointer) -> Void = { _ in }

    init(_ session: Session) { self.session = session }

    subscript(id: Int32) -> Heard { streams[id] ?? Heard() }

    /// What concerns the connection.
    func record(_ event: ConnectionEvent) {
        switch event {
        case .streamClosed: streamsEnded += 1
        case .discarded: break
        case .goAway: goAways += 1
        case .settingsChanged: settingsChanges += 1
        case .pong(let payload): pongs.append(payload)
        }
    }

    private func change(_ stream: StreamPointer, _ event: String = #function, _ body: (inout Heard) -> Void) {
        let event = "\(stream.id) \(event.prefix { $0 != "(" })"
        if order.last != event { order.append(event) }
        body(&streams[stream.id, default: Heard()])
    }

    private func texts(_ stream: StreamPointer, _ range: Range<Int>) -> [String] {
        range.map { "\(stream.fields[$0].nameText): \(stream.fields[$0].valueText)" }
    }

    func streamInformational(_ stream: StreamPointer) {
        change(stream) { $0.informational.append(texts(stream, 0..<stream.fields.count)) }
    }

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        live[stream.id] = stream
        change(stream) {
            $0.head = texts(stream, 0..<stream.fields.count)
            $0.ended = ended
            $0.headTooLarge = stream.flags.contains(.headTooLarge)
        }
        onHead(stream)
        if ended { onEnd(stream) }
    }

    func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        change(stream) { $0.body += Array(slice.bytes) }
        if consumes { session.consumed(stream, slice.count) }
        onData(stream)
    }

    func streamEnded(_ stream: StreamPointer) {
        let start = stream.trailersStart
        change(stream) {
            $0.ended = true
            if stream.fields.count > start { $0.trailers = texts(stream, start..<stream.fields.count) }
        }
        onEnd(stream)
    }

    func streamDrained(_ stream: StreamPointer, _ count: Int) { change(stream) { $0.drained += count } }

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        change(stream) { $0.closed = reason }
        closings += 1
        live[stream.id] = nil
    }
}

/// A session with the memory it lives on.
final class Side {
    let chunks = ChunkPool()
    let pool: StreamPool
    let events = EventQueue()
    let memory: NGHTTP2Allocator
    let session: Session
    let heard: Recorder
    private var isLost = false
    /// Called whenever the codec is given bytes.
    var onReceive: () -> Void = {}

    init(_ role: Session.Role, _ limits: ConnectionLimits = .defaults, memory: NGHTTP2Allocator = NGHTTP2Allocator()) {
        self.memory = memory
        pool = StreamPool(chunks: chunks)
        session = Session(role, limits: limits, pool: pool, events: events, memory: memory)
        heard = Recorder(session)
        session.requestListener = UnownedReference(heard)
    }

    deinit { lose() }

    /// The connection is gone.
    func lose() {
        guard !isLost else { return }
        isLost = true
        events.removeAll()
        let reason = session.connectionLost()
        while let stream = session.firstStream {
            stream.notify { $0.streamClosed(stream, reason) }
            session.release(stream)
        }
    }

    private func deliver(now: UInt64) {
        events.deliver(now: now) { event in
            heard.record(event)
            switch event {
            case .streamClosed(let stream): session.release(stream)
            case .discarded(let stream, let count): session.giveBack(stream, count)
            case .goAway, .settingsChanged, .pong: break
            }
        }
        session.eventsDelivered()
    }

    func output(limit: Int = 1 << 20, now: UInt64 = 0) throws -> [UInt8] {
        var buffer = GatherBuffer(capacity: 256, takesChunks: true)
        guard !isLost else { return [] }
        var isFull = false
        repeat {
            defer { deliver(now: now) }
            try session.produce(into: &buffer, limit: limit, now: now)
            isFull = events.isFull
        } while isFull && buffer.count < limit
        var bytes: [UInt8] = []
        buffer.forEachPiece { bytes += $0 }
        return bytes
    }

    func input(_ bytes: [UInt8], now: UInt64 = 0) throws {
        try bytes.withUnsafeBytes { bytes in
            var rest = BufferSlice(bytes)
            repeat {
                guard !isLost else { return }
                defer { deliver(now: now) }
                onReceive()
                rest = rest.dropFirst(try session.receive(rest, now: now))
            } while !rest.isEmpty || session.isPaused
        }
    }

    @discardableResult
    func request(_ fields: [(String, String)] = Side.get, ended: Bool = true) -> StreamPointer? {
        let stream = session.makeStream()
        guard
            (try? session.submitRequest(stream, UnsafeBufferPointer(stream.fields.keepFields(fields)), ended: ended)) != nil
        else { return nil }
        stream.handler = heard
        heard.live[stream.id] = stream
        return stream
    }

    func respond(_ stream: StreamPointer, _ fields: [(String, String)] = [(":status", "200")], ended: Bool) {
        session.submitResponse(stream, UnsafeBufferPointer(stream.fields.keepFields(fields)), ended: ended)
    }

    func inform(_ stream: StreamPointer, _ fields: [(String, String)]) {
        session.submitInformational(stream, UnsafeBufferPointer(stream.fields.keepFields(fields)))
    }

    func send(_ stream: StreamPointer, _ bytes: [UInt8]) { bytes.withUnsafeBytes { session.send(stream, $0) } }

    func finish(_ stream: StreamPointer, trailers: [(String, String)]) {
        session.finish(stream, trailers: stream.fields.keepFields(trailers))
    }

    typealias Frame = (type: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])

    /// What it has to send of DATA, HEADERS and RST_STREAM.
    func messageFrames() throws -> [Frame] { Raw.parse(try output()).filter { $0.type < 2 || $0.type == 3 } }

    /// A server with requests on these streams, which the caller has ended or not.
    static func server(_ streams: [UInt32] = [1], ended: Bool = true) throws -> Side {
        let side = Side(.server)
        try side.input(Raw.hello)
        for id in streams { try side.input(Raw.headers(stream: id, post, ended: ended)) }
        _ = try side.output()
        return side
    }

    static let get = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")]
    static let post = [(":method", "POST"), (":scheme", "http"), (":path", "/p.S/M"), (":authority", "a"), ("te", "trailers")]
}

/// A client and a server, joined in memory.
struct Pair {
    let client: Side
    let server: Side

    init(client: ConnectionLimits = .defaults, server: ConnectionLimits = .defaults) {
        self.client = Side(.client, client)
        self.server = Side(.server, server)
    }

    /// Carries bytes in both directions, `portion` at a time, until both sides are silent.
    func run(portion: Int = .max) throws {
        while true {
            let up = try client.output()
            let down = try server.output()
            if up.isEmpty, down.isEmpty { return }
            try Self.carry(up, portion) { try server.input($0) }
            try Self.carry(down, portion) { try client.input($0) }
        }
    }

    private static func carry(_ bytes: [UInt8], _ portion: Int, _ take: ([UInt8]) throws -> Void) throws {
        var start = 0
        while start < bytes.count {
            let end = bytes.count - start > portion ? start + portion : bytes.count
            try take(Array(bytes[start..<end]))
            start = end
        }
    }
}

/// Frames written by hand.
enum Raw {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    static let settings = frame(4)
    static let hello = preface + settings

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let length = payload.count
        var bytes: [UInt8] = [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags]
        bytes += bigEndian(stream)
        bytes += payload
        return bytes
    }

    static func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

    private static func number(_ bytes: some Sequence<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }

    /// Literal fields without indexing (RFC 7541, section 6.2.2); names and values below 127 bytes.
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, value) in fields {
            bytes += [0, UInt8(name.utf8.count)]
            bytes += Array(name.utf8)
            bytes.append(UInt8(value.utf8.count))
            bytes += Array(value.utf8)
        }
        return bytes
    }

    static func headers(stream: UInt32, _ fields: [(String, String)], ended: Bool = true) -> [UInt8] {
        frame(1, flags: ended ? 5 : 4, stream: stream, block(fields))
    }

    static func data(stream: UInt32, _ bytes: [UInt8], ended: Bool = false) -> [UInt8] {
        frame(0, flags: ended ? 1 : 0, stream: stream, bytes)
    }

    static func reset(stream: UInt32, _ code: UInt32) -> [UInt8] { frame(3, stream: stream, bigEndian(code)) }

    /// Type, flags, stream and payload of each frame.
    static func parse(_ bytes: [UInt8]) -> [(type: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] {
        var rest = bytes[...]
        if rest.starts(with: preface) { rest = rest.dropFirst(preface.count) }
        var frames: [(UInt8, UInt8, UInt32, [UInt8])] = []
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            let stream = number(head[5...8])
            frames.append((head[3], head[4], stream, Array(rest.dropFirst(9).prefix(length))))
            rest = rest.dropFirst(9 + length)
        }
        return frames
    }

    /// The code of the GOAWAY among these bytes.
    static func goAwayCode(_ bytes: [UInt8]) -> UInt32? {
        parse(bytes).last { $0.type == 7 }.map { number($0.payload[4..<8]) }
    }

    /// The last stream that the GOAWAY among these bytes names.
    static func goAwayLastStream(_ bytes: [UInt8]) -> UInt32? {
        parse(bytes).last { $0.type == 7 }.map { number($0.payload[0..<4]) }
    }

    static func resetCode(_ bytes: [UInt8], stream: UInt32) -> UInt32? {
        parse(bytes).first { $0.type == 3 && $0.stream == stream }.map { number($0.payload) }
    }
}

package import Bytes
internal import GRPC
package import HTTPModel
package import Net
package import Sockets
package import Transport

/// A connection to a server under test, on the same loop.
package final class TestCaller: ClientConnectionOwner {
    private let worker: TestWorker
    package private(set) var connection: ClientConnection!
    package private(set) var isOpen = false
    package private(set) var isDraining = false
    package private(set) var isClosed = false
    /// Streams hold their handlers without counting references.
    private var calls: [TestCall] = []

    package init(to address: SocketAddress, worker: TestWorker, limits: ConnectionLimits = .defaults) throws {
        self.worker = worker
        connection = try ClientConnection(
            to: address, limits: limits, streamLimit: 1000, context: worker.context, owner: self)
        _ = worker.run { isOpen }
    }

    package func clientConnectionOpened(_ connection: ClientConnection) { isOpen = true }
    package func clientConnectionHasRoom(_ connection: ClientConnection) {}
    package func clientConnectionDraining(_ connection: ClientConnection) { isDraining = true }
    package func clientConnectionClosed(_ connection: ClientConnection, _ end: ChannelEnd) { isClosed = true }

    /// Begins a call; `fields` come behind gRPC's own, and in their place where the names are the same.
    package func begin(_ path: String, _ fields: [(String, String)] = [], ended: Bool = false) -> TestCall {
        var all: [(String, String)] = [
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"), ("te", "trailers"),
            ("content-type", "application/grpc"),
        ]
        for field in fields {
            if let index = all.firstIndex(where: { $0.0 == field.0 }) { all[index] = field } else { all.append(field) }
        }
        let call = TestCall()
        calls.append(call)
        guard let stream = try? connection.makeStream() else { return call }
        let head = UnsafeBufferPointer(Self.write(all, to: stream))
        guard (try? connection.submit(stream, head, ended: ended, handler: UnownedReference(call), context: nil)) != nil
        else { return call }
        call.stream = stream
        return call
    }

    private static func write(_ all: [(String, String)], to stream: StreamPointer) -> UnsafeMutableBufferPointer<Field> {
        let fields = stream.fields.reserveFields(all.count)
        for (index, (name, value)) in all.enumerated() {
            fields.initializeElement(at: index, to: stream.fields.keepField(name, value))
        }
        return fields
    }

    /// A whole unary call, up to its end.
    package func unary(_ path: String, _ message: [UInt8], _ fields: [(String, String)] = []) -> TestCall {
        let call = begin(path, fields)
        call.send(message: message)
        call.finish()
        _ = worker.run { call.isOver }
        return call
    }
}

/// One call as its caller sees it.
package final class TestCall: StreamHandler {
    package internal(set) var stream: StreamPointer?
    package private(set) var head: [(name: String, value: String)] = []
    package private(set) var trailers: [(name: String, value: String)] = []
    package private(set) var messages: [[UInt8]] = []
    package private(set) var bodyBytes = 0
    package private(set) var close: StreamClose?
    /// The answer has come to its end.
    package private(set) var isEnded = false
    /// While set, what arrives is not accepted: the sender's window is not given back.
    package var isHolding = false {
        didSet {
            guard !isHolding, held > 0, let stream else { return }
            let held = held
            self.held = 0
            stream.connection { $0.consumed(stream, held) }
        }
    }
    private var held = 0
    private var reader = MessageReader(payloadBytesMax: .max)

    package var isOver: Bool { isEnded || close != nil }
    /// Both sides are done with the stream.
    package var isGone: Bool { close != nil }
    /// Of the head or of the trailers; empty for none.
    package func field(_ name: String) -> String {
        (trailers + head).first { $0.name == name }?.value ?? ""
    }
    package var status: String { field("grpc-status") }

    package func send(message: [UInt8], flag: UInt8 = 0) {
        let count = UInt32(message.count)
        send([flag, UInt8(count >> 24), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)] + message)
    }

    package func send(_ bytes: [UInt8]) {
        guard let stream else { return }
        bytes.withUnsafeBytes { bytes in stream.connection { $0.send(stream, bytes) } }
    }

    package func finish() {
        guard let stream else { return }
        stream.connection { $0.finish(stream) }
    }

    package func reset() {
        guard let stream else { return }
        stream.connection { $0.reset(stream, .cancel) }
    }

    package func streamHead(_ stream: StreamPointer, ended: Bool) {
        for index in 0..<stream.fields.count {
            head.append((stream.fields[index].nameText, stream.fields[index].valueText))
        }
        if ended { isEnded = true }
    }

    package func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        bodyBytes += slice.count
        reader.receive(slice.bytes)
        while let message = try? reader.next() { messages.append(Array(message.payload)) }
        if isHolding { held += slice.count } else { stream.connection { $0.consumed(stream, slice.count) } }
    }

    package func streamEnded(_ stream: StreamPointer) {
        for index in stream.trailersStart..<stream.fields.count {
            trailers.append((stream.fields[index].nameText, stream.fields[index].valueText))
        }
        isEnded = true
    }

    package func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        close = reason
        self.stream = nil
    }
}

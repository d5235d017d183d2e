import Bytes
import Calling
import Calls
import GRPC
import Gateway
import Time

extension FuzzEntry {
    static let calls: [FuzzEntry] = [
        FuzzEntry("timeouts") { input in
            let text = input.text()
            for unit in ["H", "M", "S", "m", "u", "n", ""] {
                guard let timeout = withBytes(text + unit, { GRPCTimeout($0) }) else { continue }
                forward(timeout.duration)
            }
        },
        FuzzEntry("timeouts of Connect") { input in
            if let duration = withBytes(input.text(), { ConnectTimeout.read($0) }) { forward(duration) }
        },
        FuzzEntry("status codes") { input in _ = withBytes(input.text()) { StatusCode(field: $0) } },
        FuzzEntry("pushback") { input in
            if case .after(let duration) = withBytes(input.text(), { Pushback($0) }) { _ = Instant.now() + duration }
        },
        FuzzEntry("headers of messages") { input in
            let header = header(of: &input)
            _ = withBytes(header) { ReceivedFrame(header: $0)?.payloadBytes.addingSaturating(5).exactly(as: Int.self) }
        },
        FuzzEntry("messages") { input in
            var reader = GRPC.MessageReader(payloadBytesMax: UInt32(truncatingIfNeeded: input.number()))
            withBytes(header(of: &input) + [1, 2, 3]) { reader.receive($0) }
            while let message = try? reader.next() { _ = message.payload.count }
            _ = reader.waitingBytes
        },
        FuzzEntry("boundaries of messages") { input in
            withBytes(header(of: &input) + [1, 2, 3, 0, 0, 0]) { bytes in
                for first in [1, 4, 7, bytes.count] {
                    var tracker = BoundaryTracker()
                    tracker.pass(UnsafeRawBufferPointer(rebasing: bytes[..<first]))
                    tracker.pass(UnsafeRawBufferPointer(rebasing: bytes[first...]))
                    var careful = BoundaryTracker()
                    _ = careful.passKnown(bytes)
                }
            }
        },
        FuzzEntry("details of a status") { input in
            var time = ByteWriter()
            time.field(1, input.number())
            time.field(2, input.number())
            var retry = ByteWriter()
            retry.field(1, bytes: time.bytes)
            var detail = ByteWriter()
            detail.field(1, text: "type.googleapis.com/google.rpc.RetryInfo")
            detail.field(2, bytes: input.damaged(retry.bytes))
            var status = ByteWriter()
            status.field(1, input.number())
            status.field(3, bytes: detail.bytes)
            _ = StatusText.lines(.unavailable, "", details: status.bytes) { _ in nil }
        },
    ]
}

/// A flag, and a length that may be any.
private func header(of input: inout FuzzInput) -> [UInt8] {
    let length = UInt32(truncatingIfNeeded: input.number())
    return [UInt8(truncatingIfNeeded: input.number() & 3)] + withUnsafeBytes(of: length.bigEndian) { Array($0) }
}

/// As a gateway does with what its caller allows.
private func forward(_ duration: Duration) {
    _ = Instant.now() + duration
    withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { _ = GRPCTimeout.write(duration, to: $0.baseAddress!) }
}

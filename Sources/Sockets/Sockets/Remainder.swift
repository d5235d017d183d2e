internal import Bytes

/// What a full socket left over.
final class Remainder {
    var bytes: ByteBuffer

    init(_ rest: UnsafeRawBufferPointer) {
        bytes = ByteBuffer(capacity: rest.count)
        bytes.append(rest)
    }
}

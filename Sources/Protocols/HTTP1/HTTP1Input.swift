internal import Bytes

/// What an HTTP/1.1 codec has been given and has not read: it lies where it arrived as long as that is possible, and is copied only
/// where it may not be read yet.
struct HTTP1Input: ~Copyable {
    private var next: UnsafeRawPointer?
    private var count = 0
    /// What was kept from before.
    private var held = ByteBuffer()
    /// What is unread lies in `held`.
    private(set) var isHeld = false

    private static let heldBytesKept = 1024

    /// Nothing is left from before, and nothing is being read.
    var isEmpty: Bool { held.isEmpty && count == 0 }

    var unread: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: next, count: count) }

    /// Takes more, behind what was kept.
    mutating func begin(_ bytes: UnsafeRawBufferPointer) {
        isHeld = !held.isEmpty
        if isHeld, !bytes.isEmpty { held.append(bytes) }
        let bytes = isHeld ? held.readable : bytes
        next = bytes.baseAddress
        count = bytes.count
    }

    mutating func consume(_ used: Int) {
        precondition(used >= 0 && used <= count)
        if used > 0 { next! += used }
        count -= used
    }

    /// The bytes that were given are about to go.
    mutating func end(keepsRest: Bool) {
        if count > 0 || isHeld { keep(keepsRest) }
        next = nil
        count = 0
    }

    private mutating func keep(_ keepsRest: Bool) {
        if !keepsRest {
            held.removeAll()
        } else if isHeld {
            held.consume(held.count - count)
        } else {
            held.append(unread)
        }
        if isHeld { held.shrink(to: Self.heldBytesKept) }
        isHeld = false
    }
}

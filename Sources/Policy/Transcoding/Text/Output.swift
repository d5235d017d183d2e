internal import Glibc

/// Bytes that are being made: a cursor into memory that grows, kept from one message to the next.
///
/// What fails is cut off again, so nothing half done reaches a buffer that others read.
struct Output: ~Copyable {
    private(set) var base: UnsafeMutablePointer<UInt8>
    private(set) var at: UnsafeMutablePointer<UInt8>
    private var limit: UnsafeMutablePointer<UInt8>

    init(capacity: Int = 1024) {
        base = .allocate(capacity: capacity)
        at = base
        limit = base + capacity
    }

    deinit { base.deallocate() }

    var count: Int { at - base }

    func bytes(from start: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + start, count: count - start)
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    mutating func truncate(to count: Int) { at = base + count }

    /// Empties it, and gives memory back that only an unusual message needed.
    mutating func reset() {
        at = base
        guard limit - base > 256 << 10 else { return }
        base.deallocate()
        base = .allocate(capacity: 1024)
        at = base
        limit = base + 1024
    }

    /// Room for `wanted` bytes behind the last one.
    @inline(__always)
    mutating func reserve(_ wanted: Int) {
        if limit - at < wanted { grow(wanted) }
    }

    @inline(never)
    private mutating func grow(_ wanted: Int) {
        let used = count
        var capacity = limit - base
        while capacity - used < wanted { capacity *= 2 }
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        memcpy(larger, base, used)
        base.deallocate()
        base = larger
        at = larger + used
        limit = larger + capacity
    }

    /// Says how far the room that was reserved is filled.
    @inline(__always)
    mutating func advance(to end: UnsafeMutablePointer<UInt8>) { at = end }

    @inline(__always)
    mutating func byte(_ byte: UInt8) {
        reserve(1)
        at[0] = byte
        at += 1
    }

    @inline(__always)
    mutating func append(_ start: UnsafePointer<UInt8>, _ count: Int) {
        reserve(count)
        memcpy(at, start, count)
        at += count
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        append(start.assumingMemoryBound(to: UInt8.self), bytes.count)
    }

    @inline(__always)
    mutating func append(_ text: StaticString) { append(text.utf8Start, text.utf8CodeUnitCount) }

    @inline(__always)
    mutating func fixed32(_ value: UInt32) {
        reserve(4)
        UnsafeMutableRawPointer(at).storeBytes(of: value.littleEndian, as: UInt32.self)
        at += 4
    }

    @inline(__always)
    mutating func fixed64(_ value: UInt64) {
        reserve(8)
        UnsafeMutableRawPointer(at).storeBytes(of: value.littleEndian, as: UInt64.self)
        at += 8
    }
}

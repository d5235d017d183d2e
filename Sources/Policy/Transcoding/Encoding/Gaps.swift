internal import Glibc
internal import Protobuf

/// The lengths that stand before messages inside messages, known only when those end.
///
/// One byte is left for each. Where it is not enough, the true length is noted and put in when the finished bytes are
/// copied to where they go, so that nothing moves twice however deep the message is.
struct Gaps: ~Copyable {
    private struct Gap {
        /// Where the length's byte lies.
        var place: Int
        /// What belongs there, or -1 where the one byte holds it.
        var length: Int
        /// Bytes that lengths before this one need beyond theirs.
        var extraBefore: Int
    }

    /// A state to return to.
    struct Mark {
        fileprivate let count: Int
        fileprivate let extra: Int
        fileprivate let written: Int
    }

    private var gaps: UnsafeMutablePointer<Gap> = .allocate(capacity: 64)
    private var capacity = 64
    private var count = 0
    private(set) var extra = 0

    deinit { gaps.deallocate() }

    mutating func reset() {
        count = 0
        extra = 0
        guard capacity > 4096 else { return }
        gaps.deallocate()
        gaps = .allocate(capacity: 64)
        capacity = 64
    }

    @inline(__always)
    func mark(_ output: borrowing Output) -> Mark { Mark(count: count, extra: extra, written: output.count) }

    @inline(__always)
    mutating func restore(_ mark: Mark, _ output: inout Output) {
        count = mark.count
        extra = mark.extra
        output.truncate(to: mark.written)
    }

    /// Begins a length-delimited value; its tag is written.
    @inline(__always)
    mutating func open(_ output: inout Output) -> Int {
        if count == capacity { grow() }
        gaps[count] = Gap(place: output.count, length: -1, extraBefore: extra)
        count += 1
        output.byte(0)
        return count - 1
    }

    @inline(__always)
    mutating func close(_ gap: Int, _ output: inout Output) {
        let place = gaps[gap].place
        let length = output.count - place - 1 + extra - gaps[gap].extraBefore
        if length < 128 {
            output.base[place] = UInt8(length)
        } else {
            gaps[gap].length = length
            extra += Varint.width(UInt64(length)) - 1
        }
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Gap>.allocate(capacity: capacity * 2)
        larger.update(from: gaps, count: count)
        gaps.deallocate()
        gaps = larger
        capacity *= 2
    }

    /// Copies the bytes with every length in its place. `target` has room for `output.count + extra`.
    func write(_ output: borrowing Output, to target: UnsafeMutablePointer<UInt8>) {
        write(output, from: Mark(count: 0, extra: 0, written: 0), to: target)
    }

    /// How many bytes that is, from a mark on.
    func size(_ output: borrowing Output, from mark: Mark) -> Int { output.count - mark.written + extra - mark.extra }

    /// The same from a mark on.
    func write(_ output: borrowing Output, from mark: Mark, to target: UnsafeMutablePointer<UInt8>) {
        var target = target
        var copied = mark.written
        if extra > mark.extra {
            for index in mark.count..<count where gaps[index].length >= 0 {
                let place = gaps[index].place
                memcpy(target, output.base + copied, place - copied)
                target = Varint.write(UInt64(gaps[index].length), to: target + (place - copied))
                copied = place + 1
            }
        }
        memcpy(target, output.base + copied, output.count - copied)
    }
}

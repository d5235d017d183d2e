internal import Glibc
internal import Reactor

/// What a target did not take, and why: errno.
struct AccessLogLoss: Equatable {
    var lines: UInt64
    var errno: Int32

    static let none = AccessLogLoss(lines: 0, errno: 0)
}

/// Everything that all rings held at one moment, written with one `writev`, or several where the target takes it in parts.
///
/// Where the target fails (disk full, pipe closed) the batch is lost and its lines are counted; a line that was cut is
/// ended before the next batch begins.
struct AccessLogBatch {
    private let rings: [AccessLogRing]
    private var ranges: [Range<Int>]
    private var vectors: [iovec] = []
    /// The last write ended in the middle of a line.
    private var endsMidLine = false
    /// That line goes on with the next byte, as after a partial write; not so after a lost batch.
    private var isMidBatch = false
    /// The ring whose line that is.
    private var midRing = 0
    private var lastOutput: AccessLogOutput?

    init(_ rings: [AccessLogRing]) {
        self.rings = rings
        ranges = rings.map { _ in 0..<0 }
    }

    /// Writes what is there.
    /// - Parameters:
    ///   - isAbandoned: asked where the target takes nothing: whether to give up.
    ///   - isReplaced: asked then, too: whether another target waits for what is left.
    /// - Returns: whether there was anything, and what was lost.
    mutating func write(
        to output: AccessLogOutput, isAbandoned: () -> Bool, isReplaced: () -> Bool = { false }
    ) -> (isEmpty: Bool, loss: AccessLogLoss) {
        if output !== lastOutput {
            lastOutput = output
            let cut = isMidBatch ? skipCutLine() : 0
            endsMidLine = false
            isMidBatch = false
            if cut > 0 { return (false, AccessLogLoss(lines: cut, errno: 0)) }
        }
        for index in rings.indices { ranges[index] = rings[index].readable() }
        if ranges.allSatisfy({ $0.isEmpty }) { return (true, .none) }
        if output.isOff {
            discard()
            return (false, .none)
        }
        while true {
            fillVectors()
            if vectors.isEmpty { return (false, .none) }
            let count = writev(output.descriptor, vectors, Int32(vectors.count))
            if count >= 0 {
                advance(count)
                continue
            }
            let code = ErrorNumber.last
            if code == EINTR { continue }
            if code == EAGAIN, isReplaced() { return (false, .none) }
            if code == EAGAIN, !isAbandoned() {
                var descriptor = pollfd(fd: output.descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&descriptor, 1, 100)
                continue
            }
            // ENOSPC, EPIPE, EIO, EFBIG, EDQUOT …: nothing that waiting in line would mend.
            let lost = countLines()
            discard()
            return (false, AccessLogLoss(lines: lost, errno: code))
        }
    }

    /// The rest of a line whose beginning another target has is of no use to the next one.
    private mutating func skipCutLine() -> UInt64 {
        let range = rings[midRing].readable()
        let (first, second) = rings[midRing].pieces(range)
        guard let end = first.firstIndex(of: 0x0A) ?? second.firstIndex(of: 0x0A).map({ first.count + $0 }) else { return 0 }
        rings[midRing].consumed(upTo: range.lowerBound + end + 1)
        return 1
    }

    /// The kernel takes 1024 pieces at most; the rest goes with the next write.
    private static let vectorsMax = 1024
    private static let lineFeed: StaticString = "\n"

    private mutating func fillVectors() {
        vectors.removeAll(keepingCapacity: true)
        for index in rings.indices where !ranges[index].isEmpty && vectors.count + 3 <= Self.vectorsMax {
            if vectors.isEmpty, endsMidLine, !isMidBatch {
                vectors.append(iovec(iov_base: UnsafeMutableRawPointer(mutating: Self.lineFeed.utf8Start), iov_len: 1))
            }
            let (first, second) = rings[index].pieces(ranges[index])
            vectors.append(iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count))
            if !second.isEmpty {
                vectors.append(
                    iovec(iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count))
            }
        }
    }

    private mutating func advance(_ count: Int) {
        var left = count
        if endsMidLine, !isMidBatch, left > 0 {
            left -= 1
            endsMidLine = false
        }
        for index in rings.indices where left > 0 && !ranges[index].isEmpty {
            let taken = min(left, ranges[index].count)
            left -= taken
            let position = ranges[index].lowerBound + taken
            let last = rings[index].pieces((position - 1)..<position).0[0]
            endsMidLine = last != 0x0A
            isMidBatch = endsMidLine
            midRing = index
            rings[index].consumed(upTo: position)
            ranges[index] = position..<ranges[index].upperBound
        }
    }

    private mutating func discard() {
        for index in rings.indices {
            rings[index].consumed(upTo: ranges[index].upperBound)
            ranges[index] = ranges[index].upperBound..<ranges[index].upperBound
        }
        isMidBatch = false
    }

    private func countLines() -> UInt64 {
        var lines: UInt64 = 0
        for index in rings.indices {
            let (first, second) = rings[index].pieces(ranges[index])
            for byte in first where byte == 0x0A { lines += 1 }
            for byte in second where byte == 0x0A { lines += 1 }
        }
        return lines
    }
}

internal import Bytes
internal import Redis

/// What a decision tells Redis of a counter beside the call's own hits, and wants of it besides. Plain data.
///
/// Each is said once: where the command is lost, hits stay leased until their lease has ended, and count as used.
struct CounterNote: Equatable {
    /// Hits wanted ahead of need.
    var lease: UInt64 = 0
    /// Hits of earlier leases that calls have used since this was last said, and hits that none will use.
    var settled: UInt64 = 0
    var returned: UInt64 = 0
    /// The window that these are of, by its end in seconds; of no meaning for a rate.
    var end: UInt64 = 0
    /// Where the counter stood at least, where the server may not know: hits of the window that ends at `stamp`, or nanoseconds of a rate's
    /// level at `stamp`, in µs.
    var level: UInt64 = 0
    var stamp: UInt64 = 0
    /// Hits that were let through while the server did not answer, and their window's end.
    var owed: UInt64 = 0
    var owedEnd: UInt64 = 0

    /// There is nothing to tell, and nothing wanted.
    var isEmpty: Bool { lease | settled | returned | level | owed == 0 }

    /// As `RedisScript.decision` reads it.
    func write(to output: inout ByteBuffer) {
        guard !isEmpty else { return }
        output.append(decimal: lease)
        for number in [settled, returned, end, level, stamp, owed, owedEnd] {
            output.append(byte: 0x20)
            output.append(decimal: number)
        }
    }
}

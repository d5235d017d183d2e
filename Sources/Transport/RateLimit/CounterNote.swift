internal import Bytes
internal import Redis

/// What a worker tells Redis of a counter beside a call's own hits, and wants of it besides. Plain data.
///
/// Numbers are sums and not changes, so that a note that comes twice counts once, and one that is lost is made good by the next.
struct CounterNote: Equatable {
    /// The worker, to Redis.
    var id: UInt32 = 0
    /// Hits wanted ahead of need.
    var lease: UInt64 = 0
    /// Hits that calls have used without asking, all in all: of leases, and such that were let through while the server did not answer.
    var total: UInt64 = 0
    /// As much of these as Redis is known to have counted.
    var acknowledged: UInt64 = 0
    /// Leased hits that no call has used yet, and may still.
    var left: UInt64 = 0
    /// Hits that Redis is known to hold as leased by this worker; zero where it may be another server.
    var held: UInt64 = 0
    /// The window that all these are of, by its end in seconds; zero for a rate.
    var end: UInt64 = 0
    /// Where the counter stood without leases, where the server may not know: hits of the window, or nanoseconds of a rate's level. Zero
    /// where it knows.
    var level: UInt64 = 0
    /// When it stood there, by the clock of the server that said so, in µs.
    var stamp: UInt64 = 0

    /// As `RedisScript.decision` reads it.
    func write(to output: inout ByteBuffer) {
        output.append(hexadecimal: id)
        for number in [lease, total, acknowledged, left, held, end, level, stamp] {
            output.append(byte: 0x20)
            output.append(decimal: number)
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func append(hexadecimal number: UInt32) {
        for shift in stride(from: UInt32(28), through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: number >> shift) & 15
            append(byte: digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
    }
}

/// How much may come out of gzip: a few bytes of it can stand for a thousand times as many.
package struct InflateLimits: Hashable, Sendable {
    /// Of everything that comes out.
    package var outputBytesMax: Int
    /// Bytes out for a byte in, once more than `freeBytes` came out. Text rarely reaches 20, deflate's own limit is 1032.
    package var ratioMax: Int
    /// So much may come out whatever went in: a short message of zeros is no attack.
    package var freeBytes: Int

    package init(outputBytesMax: Int, ratioMax: Int = 100, freeBytes: Int = 1 << 20) {
        self.outputBytesMax = outputBytesMax
        self.ratioMax = ratioMax
        self.freeBytes = freeBytes
    }

    /// What may have come out once `consumed` bytes went in.
    func allowed(after consumed: Int) -> Int {
        let (byRatio, overflow) = consumed.multipliedReportingOverflow(by: ratioMax)
        return min(outputBytesMax, max(freeBytes, overflow ? .max : byRatio))
    }
}

/// Holds many messages of one stream to the ratio together: each by itself may be short enough to be free.
package struct DensityGuard: Sendable {
    private var consumedBytes = 0
    private var writtenBytes = 0
    private let limits: InflateLimits

    /// - Parameter limits: only what they say of the ratio counts.
    package init(_ limits: InflateLimits = InflateLimits(outputBytesMax: .max)) { self.limits = limits }

    /// Another message was read.
    package mutating func record(consumed: Int, written: Int) throws(InflateFailure) {
        consumedBytes += consumed
        writtenBytes += written
        guard writtenBytes <= limits.allowed(after: consumedBytes) else { throw .tooDense(ratioMax: limits.ratioMax) }
    }
}

/// Why compressed bytes cannot be read. The stream is over.
package enum InflateFailure: Error, Hashable, Sendable {
    /// No gzip, or not whole, or its checksum is another: its sender's mistake.
    case malformed
    /// More comes out than `outputBytesMax`.
    case tooLarge(bytesMax: Int)
    /// More comes out than `ratioMax` allows for what went in.
    case tooDense(ratioMax: Int)
}

package import Random

/// The place of a call in a distributed trace: W3C Trace Context's `traceparent`.
///
/// A header that is malformed, all zeros or of version `ff` is as if it were not there: a new trace begins, and the
/// caller's `tracestate` must be dropped with it (Trace Context, section 3.2).
package struct TraceContext: Hashable, Sendable {
    package let traceHigh: UInt64
    package let traceLow: UInt64
    /// The span that calls: the caller's as parsed, our own in what we send.
    package let span: UInt64
    package let flags: UInt8

    package static let headerBytes = 55

    package init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, flags: UInt8) {
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.span = span
        self.flags = flags
    }

    /// A trace that begins here.
    package init(startingWith random: inout RandomGenerator, sampled: Bool = false) {
        // The chance of zeros, which the format forbids, is 2⁻⁶⁴.
        self.init(
            traceHigh: random.next(), traceLow: random.next() | 1, span: random.next() | 1, flags: sampled ? 1 : 0)
    }

    package init?(parsing bytes: UnsafeRawBufferPointer) {
        let dash = UInt8(ascii: "-")
        guard bytes.count >= Self.headerBytes, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            let version = Hexadecimal.read(bytes, 0..<2), version != 0xFF,
            let high = Hexadecimal.read(bytes, 3..<19), let low = Hexadecimal.read(bytes, 19..<35),
            let span = Hexadecimal.read(bytes, 36..<52), let flags = Hexadecimal.read(bytes, 53..<55),
            high | low != 0, span != 0
        else { return nil }
        // Version 00 has nothing behind; a later one may, after a dash, and is read as far as we know it.
        if bytes.count > Self.headerBytes {
            guard version > 0, bytes[Self.headerBytes] == dash else { return nil }
        }
        // Of a later version's flags only the sampled bit is ours to repeat (section 3.2.2.5).
        self.init(
            traceHigh: high, traceLow: low, span: span, flags: UInt8(truncatingIfNeeded: flags) & (version == 0 ? 3 : 1))
    }

    /// For tests.
    package var isSampled: Bool { flags & 1 == 1 }

    /// The same trace, one call further on.
    package func child(_ random: inout RandomGenerator) -> TraceContext {
        TraceContext(traceHigh: traceHigh, traceLow: traceLow, span: random.next() | 1, flags: flags)
    }

    /// Writes a `traceparent` value of version 00: exactly `headerBytes` bytes.
    package func write(to target: UnsafeMutableRawPointer) {
        target.copyMemory(from: "00-", byteCount: 3)
        writeTraceID(to: target + 3)
        target.storeBytes(of: UInt8(ascii: "-"), toByteOffset: 35, as: UInt8.self)
        Hexadecimal.write16(span, to: target + 36)
        target.storeBytes(of: UInt8(ascii: "-"), toByteOffset: 52, as: UInt8.self)
        Hexadecimal.write(UInt64(flags), digits: 2, to: target + 53)
    }

    /// Writes the 32 digits of the trace id.
    package func writeTraceID(to target: UnsafeMutableRawPointer) {
        Hexadecimal.write16(traceHigh, to: target)
        Hexadecimal.write16(traceLow, to: target + 16)
    }
}

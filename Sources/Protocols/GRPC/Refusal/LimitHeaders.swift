package import Bytes

/// The headers that tell a caller where its limits stand, on refusals and, where that is configured, on answers.
///
/// `ratelimit-policy` and `ratelimit` as the IETF draft has them (httpapi-ratelimit-headers-10: structured-field lists,
/// never in trailers), and `x-ratelimit-limit`, `-remaining` and `-reset` as Envoy writes them: first the tightest
/// limit, the one with the least remaining, then every policy. `x-quota-warning` is ours: the limits of an admitted call that are nearly
/// used up, in the form of `ratelimit`.
package enum LimitHeaders {
    /// Which of them are written.
    package struct Families: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// `ratelimit-policy` and `ratelimit`.
        package static let standard = Families(rawValue: 1)
        /// `x-ratelimit-limit`, `-remaining` and `-reset`.
        package static let prefixed = Families(rawValue: 2)
        /// `x-quota-warning`.
        package static let warning = Families(rawValue: 4)

        /// Whether a field of that name is one of them.
        package func contains(name: BorrowedBytes) -> Bool {
            contains(.standard) && (name.equals("ratelimit") || name.equals("ratelimit-policy"))
                || contains(.prefixed)
                    && (name.equals("x-ratelimit-limit") || name.equals("x-ratelimit-remaining")
                        || name.equals("x-ratelimit-reset"))
                || contains(.warning) && name.equals("x-quota-warning")
        }
    }

    /// Writes the headers, one after the other; none where there is no limit. `scratch` is overwritten.
    package static func write(
        _ limits: [LimitState], _ families: Families, scratch: inout ByteBuffer, _ put: (StaticString, BorrowedBytes) -> Void
    ) {
        limits.withUnsafeBufferPointer { limits in
            guard let tightest = tightest(limits) else { return }
            if families.contains(.standard) { writeStandard(limits, scratch: &scratch, put) }
            if families.contains(.prefixed) { writePrefixed(limits, tightest, scratch: &scratch, put) }
            if families.contains(.warning) { writeWarning(limits, scratch: &scratch, put) }
        }
    }

    private static func writeWarning(
        _ limits: UnsafeBufferPointer<LimitState>, scratch: inout ByteBuffer, _ put: (StaticString, BorrowedBytes) -> Void
    ) {
        scratch.removeAll()
        for place in limits.indices where limits[place].isNear {
            let limit = limits[place]
            if scratch.count > 0 { scratch.append(", ") }
            appendName(of: limit, at: place, to: &scratch)
            scratch.append(";used=")
            scratch.append(decimal: limit.usedPercent)
            scratch.append(";t=")
            scratch.append(decimal: integer(limit.resetSeconds))
        }
        if scratch.count > 0 { put("x-quota-warning", scratch.readable) }
    }

    private static func writeStandard(
        _ limits: UnsafeBufferPointer<LimitState>, scratch: inout ByteBuffer, _ put: (StaticString, BorrowedBytes) -> Void
    ) {

        list(limits, into: &scratch) { limit, place, buffer in
            appendName(of: limit, at: place, to: &buffer)
            buffer.append(";q=")
            buffer.append(decimal: integer(limit.quota))
            if let window = limit.windowSeconds {
                buffer.append(";w=")
                buffer.append(decimal: integer(window))
            } else {
                buffer.append(";qu=\"concurrent-requests\"")
            }
        }
        put("ratelimit-policy", scratch.readable)

        list(limits, into: &scratch) { limit, place, buffer in
            appendName(of: limit, at: place, to: &buffer)
            buffer.append(";r=")
            buffer.append(decimal: integer(limit.remaining))
            // When calls in flight end is not known.
            guard limit.windowSeconds != nil else { return }
            buffer.append(";t=")
            buffer.append(decimal: integer(limit.resetSeconds))
        }
        put("ratelimit", scratch.readable)
    }

    private static func writePrefixed(
        _ limits: UnsafeBufferPointer<LimitState>, _ tightest: LimitState, scratch: inout ByteBuffer,
        _ put: (StaticString, BorrowedBytes) -> Void
    ) {
        scratch.removeAll()
        scratch.append(decimal: tightest.count)
        for place in limits.indices {
            scratch.append(", ")
            scratch.append(decimal: limits[place].quota)
            if let window = limits[place].windowSeconds {
                scratch.append(";w=")
                scratch.append(decimal: window)
            }
            scratch.append(";name=")
            appendName(of: limits[place], at: place, to: &scratch)
        }
        put("x-ratelimit-limit", scratch.readable)
        for (name, number) in [
            ("x-ratelimit-remaining" as StaticString, tightest.remaining), ("x-ratelimit-reset", tightest.resetSeconds),
        ] {
            scratch.removeAll()
            scratch.append(decimal: number)
            put(name, scratch.readable)
        }
    }

    /// The least remaining; among equals the one that takes longest to reset.
    private static func tightest(_ limits: UnsafeBufferPointer<LimitState>) -> LimitState? {
        limits.min { ($0.remaining, $1.resetSeconds) < ($1.remaining, $0.resetSeconds) }
    }

    private static func list(
        _ limits: UnsafeBufferPointer<LimitState>, into buffer: inout ByteBuffer,
        _ write: (LimitState, Int, inout ByteBuffer) -> Void
    ) {
        buffer.removeAll()
        for place in limits.indices {
            if place > 0 { buffer.append(", ") }
            write(limits[place], place, &buffer)
        }
    }

    /// What the caller calls the limit, without quotes: its name, or `limit-1` for the first that has none to tell.
    static func appendLabel(of limit: LimitState, at place: Int, to buffer: inout ByteBuffer) {
        if limit.exposesName {
            buffer.append(limit.name)
        } else {
            buffer.append("limit-")
            buffer.append(decimal: UInt64(place + 1))
        }
    }

    private static func appendName(of limit: LimitState, at place: Int, to buffer: inout ByteBuffer) {
        guard limit.exposesName else {
            buffer.append(byte: UInt8(ascii: "\""))
            appendLabel(of: limit, at: place, to: &buffer)
            buffer.append(byte: UInt8(ascii: "\""))
            return
        }
        FieldText.appendQuoted(limit.name, to: &buffer)
    }

    /// Structured-field integers have fifteen digits (RFC 9651, section 3.3.1).
    private static func integer(_ value: UInt64) -> UInt64 { min(value, 999_999_999_999_999) }
}

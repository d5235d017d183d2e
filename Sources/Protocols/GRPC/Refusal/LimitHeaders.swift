package import Bytes
package import HTTPModel

/// The headers that tell a caller where its limits stand, on refusals and on answers alike.
///
/// `ratelimit-policy` and `ratelimit` as the IETF draft has them (httpapi-ratelimit-headers-10: structured-field lists,
/// never in trailers), and `x-ratelimit-limit`, `-remaining` and `-reset` as Envoy writes them: first the tightest
/// limit, the one with the least remaining, then every policy.
package enum LimitHeaders {
    /// Appends the five headers; none where there is no limit. `scratch` is overwritten.
    package static func append(
        _ limits: UnsafeBufferPointer<LimitState>, to fields: inout FieldBlock, scratch: inout ByteBuffer
    ) {
        guard let tightest = tightest(limits) else { return }

        list(limits, into: &scratch) { limit, place, buffer in
            appendName(of: limit, at: place, to: &buffer)
            buffer.append(";q=")
            buffer.append(decimal: integer(limit.count))
            buffer.append(";w=")
            buffer.append(decimal: integer(limit.windowSeconds))
        }
        fields.append("ratelimit-policy", scratch.readable)

        list(limits, into: &scratch) { limit, place, buffer in
            appendName(of: limit, at: place, to: &buffer)
            buffer.append(";r=")
            buffer.append(decimal: integer(limit.remaining))
            buffer.append(";t=")
            buffer.append(decimal: integer(limit.resetSeconds))
        }
        fields.append("ratelimit", scratch.readable)

        scratch.removeAll()
        scratch.append(decimal: tightest.count)
        for place in limits.indices {
            scratch.append(", ")
            scratch.append(decimal: limits[place].count)
            scratch.append(";w=")
            scratch.append(decimal: limits[place].windowSeconds)
            scratch.append(";name=")
            appendName(of: limits[place], at: place, to: &scratch)
        }
        fields.append("x-ratelimit-limit", scratch.readable)

        fields.append("x-ratelimit-remaining", decimal: tightest.remaining, scratch: &scratch)
        fields.append("x-ratelimit-reset", decimal: tightest.resetSeconds, scratch: &scratch)
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

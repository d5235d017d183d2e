/// Tells HTTP/2 with prior knowledge from everything else by a connection's first bytes (RFC 9113, section 3.4).
///
/// Decided as soon as the bytes differ from the client's preface. Until then nothing is kept: what has matched is known.
struct Preface {
    enum Verdict { case isHTTP2, isOther, needsMore }

    /// How many bytes have matched.
    private(set) var matched = 0

    private static let text: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    mutating func match(_ bytes: UnsafeRawBufferPointer) -> Verdict {
        for byte in bytes {
            guard byte == Self.text.utf8Start[matched] else { return .isOther }
            matched += 1
            if matched == Self.text.utf8CodeUnitCount { return .isHTTP2 }
        }
        return .needsMore
    }

    /// The first `count` bytes of a preface.
    static func prefix(_ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: count)
    }
}

internal import Bytes
internal import HTTPModel

/// Sections that are larger than `fieldListBytes` or `fieldCount` allows. Three ranges:
///
/// - Up to the limit a section is kept whole.
/// - Above it, up to `sectionBytesMax`, it costs its call: decoding goes on, to keep the compression state (RFC 7541, section 2.2),
///   and what tells the other side what became of the call is kept.
/// - Beyond that, or where the connection has sent more in vain than `FloodGuard` allows, the connection ends.
extension Session {
    /// Drops a field of the section that arrives, of so many bytes (name, value and 32).
    ///
    /// - Returns: false where it has cost so much that the connection ends.
    func dropField(_ bytes: Int) -> Bool {
        if section.drop(bytes, limits) > limits.sectionBytesMax {
            misuse = .sectionTooLarge
        } else if !flood.allowsExcess(bytes) {
            misuse = .fieldFlood
        }
        return misuse == nil
    }

    /// Keeps, cut, what an answer in the caller's protocol is made from, though the section is too large already: its status, or
    /// what a refusal is made from. Each once in a section, beside the limit.
    func keepEssential(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, of stream: StreamPointer) {
        let token = FieldToken(name)
        guard let kept = essentialBytes(name, value, token, of: stream) else { return }
        keepField(name, UnsafeRawBufferPointer(rebasing: value.prefix(kept)), token, .borrowed, of: stream)
    }

    private func essentialBytes(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ token: FieldToken, of stream: StreamPointer
    ) -> Int? {
        let bytesMax: Int
        switch (role, token) {
        case (.client, .grpcStatus), (.client, .status): bytesMax = 32
        case (.client, .grpcMessage), (.server, .path): bytesMax = Self.essentialBytesMax
        case (.server, .method): bytesMax = 256
        case (.server, _): return arrivedFields(of: stream).bytesKeptForRefusal(of: name, value, token)
        default: return nil
        }
        return arrivedFields(of: stream).holds(name, token) ? nil : min(value.count, bytesMax)
    }

    /// A little more than is passed on, so that the cut can be made at the end of a character.
    private static let essentialBytesMax = 4096 + 16
}

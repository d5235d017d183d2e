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
        section.stream?.pointee.flags.insert(.headTooLarge)
        if section.drop(bytes, limits) > limits.sectionBytesMax {
            misuse = .sectionTooLarge
        } else if !flood.allowsExcess(bytes) {
            misuse = .fieldFlood
        }
        return misuse == nil
    }

    /// Keeps, cut, what an answer in the caller's protocol is made from, though the section is too large already: its status,
    /// or what the caller speaks. Each once in a section, beside the limit.
    func keepEssential(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, of stream: StreamPointer) {
        let token = FieldToken(name)
        let bytesMax: Int
        switch (role, token) {
        case (.client, .grpcStatus), (.client, .status): bytesMax = 32
        case (.client, .grpcMessage): bytesMax = Self.essentialBytesMax
        case (.server, .contentType), (.server, .method), (.server, .userAgent): bytesMax = 256
        case (.server, .path): bytesMax = Self.essentialBytesMax
        case (.server, .other) where name.equals("connect-protocol-version"): bytesMax = 32
        default: return
        }
        // No second one; those without a token have their names compared.
        for field in stream.pointee.fields.all[section.start...] where field.token == token {
            if token != .other || field.nameBytes.elementsEqual(name) { return }
        }
        stream.pointee.fields.append(
            name: name, value: UnsafeRawBufferPointer(rebasing: value.prefix(bytesMax)), token: token)
        section.makeRoom(for: name.count + min(value.count, bytesMax) + 32)
    }

    /// A little more than is passed on, so that the cut can be made at the end of a character.
    private static let essentialBytesMax = 4096 + 16
}

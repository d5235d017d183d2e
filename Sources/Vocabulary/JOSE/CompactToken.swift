internal import Bytes
package import JSON

/// A token taken apart, nothing about it believed (RFC 7515, section 7.1; RFC 7519).
///
/// Strict where two readers could disagree: exactly two dots, canonical base64url, no member twice, both parts objects.
package struct CompactToken {
    package let header: JSONValue
    package let claims: JSONValue
    /// Header and claims as they came, with the dot between: what was signed.
    let signedCount: Int
    /// Its base64url begins behind the second dot.
    let signature: [UInt8]

    package static let bytesMax = 16 << 10
    static let headerBytesMax = 4 << 10
    static let depthMax = 32

    package static func read(_ token: UnsafeRawBufferPointer) throws(TokenFailure) -> CompactToken {
        guard token.count <= bytesMax else { throw .tooLarge }
        guard let first = token.firstIndex(of: UInt8(ascii: ".")) else { throw .notCompact }
        guard let second = token[(first + 1)...].firstIndex(of: UInt8(ascii: ".")) else { throw .notCompact }
        guard !token[(second + 1)...].contains(UInt8(ascii: ".")), first > 0, second > first + 1 else {
            throw .notCompact
        }
        let header = try object(
            UnsafeRawBufferPointer(rebasing: token[..<first]), bytesMax: headerBytesMax, orElse: .badHeader)
        let claims = try object(
            UnsafeRawBufferPointer(rebasing: token[(first + 1)..<second]), bytesMax: bytesMax, orElse: .badClaims)
        guard let signature = Base64.decodeURL(UnsafeRawBufferPointer(rebasing: token[(second + 1)...])) else {
            throw .notBase64URL
        }
        return CompactToken(header: header, claims: claims, signedCount: second, signature: signature)
    }

    private static func object(
        _ part: UnsafeRawBufferPointer, bytesMax: Int, orElse failure: TokenFailure
    ) throws(TokenFailure) -> JSONValue {
        var plain = ByteBuffer(capacity: Base64.decodedCount(part.count))
        guard Base64.decodeURL(part, into: &plain) else { throw .notBase64URL }
        let limits = JSONLimits(bytesMax: bytesMax, depthMax: depthMax)
        guard let value = try? JSONValue.parse(plain.readable, limits: limits), value.kind == .object else {
            throw failure
        }
        return value
    }

    /// The header's algorithm, once it asks for nothing that is not understood.
    func algorithm() throws(TokenFailure) -> SigningAlgorithm {
        // `crit` may only name what the reader understands, and `b64` is one such name (RFC 7797).
        if header["crit"] != nil || header["b64"] != nil { throw .criticalExtension }
        guard let name = header["alg"], name.kind == .string else { throw .badHeader }
        guard let algorithm = name.withText(SigningAlgorithm.init(name:)) else { throw .unsupportedAlgorithm }
        return algorithm
    }

    func keyID() throws(TokenFailure) -> JSONValue? {
        guard let keyID = header["kid"] else { return nil }
        guard keyID.kind == .string else { throw .badHeader }
        return keyID
    }
}

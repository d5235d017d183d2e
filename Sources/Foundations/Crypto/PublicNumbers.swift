internal import COpenSSL

/// A public key as the numbers it is made of, big-endian: what a JWK holds (RFC 7518, section 6; RFC 8037, section 2).
package enum PublicNumbers: Hashable, Sendable {
    /// Modulus and exponent, without leading zeros.
    case rsa(modulus: [UInt8], exponent: [UInt8])
    /// Coordinates, each of the curve's full length.
    case ec(Curve, x: [UInt8], y: [UInt8])
    case ed25519([UInt8])
    case ed448([UInt8])
}

extension KeyHandle {
    package static func publicKey(_ numbers: PublicNumbers) throws(KeyFailure) -> KeyHandle {
        defer { clearErrors() }
        switch numbers {
        case .rsa(let modulus, let exponent): return try rsa(modulus: modulus, exponent: exponent)
        case .ec(let curve, let x, let y): return try ec(curve, x: x, y: y)
        case .ed25519(let bytes): return try raw("ED25519", bytes)
        case .ed448(let bytes): return try raw("ED448", bytes)
        }
    }

    private static func rsa(modulus: [UInt8], exponent: [UInt8]) throws(KeyFailure) -> KeyHandle {
        // Odd both, and the exponent above one: all else verifies nothing, or anything. More than 64 bits of exponent
        // OpenSSL itself refuses to use.
        guard let last = modulus.last, last & 1 == 1, modulus[0] != 0, modulus.count <= 2048,
            let low = exponent.last, low & 1 == 1, exponent[0] != 0, exponent != [1], exponent.count <= 8
        else { throw .malformed }
        guard let n = BN_bin2bn(modulus, Int32(modulus.count), nil) else { throw .openSSLFailed }
        defer { BN_free(n) }
        guard let e = BN_bin2bn(exponent, Int32(exponent.count), nil) else { throw .openSSLFailed }
        defer { BN_free(e) }
        return try build("RSA") { builder in
            OSSL_PARAM_BLD_push_BN(builder, cString("n"), n) == 1 && OSSL_PARAM_BLD_push_BN(builder, cString("e"), e) == 1
        }
    }

    private static func ec(_ curve: Curve, x: [UInt8], y: [UInt8]) throws(KeyFailure) -> KeyHandle {
        guard x.count == curve.coordinateBytes, y.count == curve.coordinateBytes else { throw .malformed }
        let point = [0x04] + x + y
        let key: KeyHandle
        do throws(KeyFailure) {
            key = try point.span.bytes.withUnsafeBytes { (point) throws(KeyFailure) in
                try build("EC") { builder in
                    OSSL_PARAM_BLD_push_utf8_string(builder, cString("group"), cString(curve.name), 0) == 1
                        && OSSL_PARAM_BLD_push_octet_string(
                            builder, cString("pub"), point.baseAddress, point.count) == 1
                }
            }
        } catch { throw error == .malformed ? .notOnCurve : error }
        guard let check = EVP_PKEY_CTX_new_from_pkey(nil, key.pointer, nil) else { throw .openSSLFailed }
        defer { EVP_PKEY_CTX_free(check) }
        guard EVP_PKEY_public_check(check) == 1 else { throw .notOnCurve }
        return key
    }

    private static func raw(_ name: String, _ bytes: [UInt8]) throws(KeyFailure) -> KeyHandle {
        // Null where the length is not the algorithm's.
        guard let key = EVP_PKEY_new_raw_public_key_ex(nil, name, nil, bytes, bytes.count) else { throw .malformed }
        return try KeyHandle(owning: key, isPrivate: false)
    }

    /// - Parameter fill: the builder keeps only pointers, so what it is given outlives this call.
    private static func build(_ name: String, _ fill: (OpaquePointer) -> Bool) throws(KeyFailure) -> KeyHandle {
        guard let builder = OSSL_PARAM_BLD_new() else { throw .openSSLFailed }
        defer { OSSL_PARAM_BLD_free(builder) }
        guard fill(builder), let parameters = OSSL_PARAM_BLD_to_param(builder) else { throw .openSSLFailed }
        defer { OSSL_PARAM_free(parameters) }
        guard let context = EVP_PKEY_CTX_new_from_name(nil, name, nil) else { throw .openSSLFailed }
        defer { EVP_PKEY_CTX_free(context) }
        // What the macro EVP_PKEY_PUBLIC_KEY stands for.
        let publicHalf =
            OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS | OSSL_KEYMGMT_SELECT_OTHER_PARAMETERS
            | OSSL_KEYMGMT_SELECT_PUBLIC_KEY
        var key: OpaquePointer?
        guard EVP_PKEY_fromdata_init(context) == 1,
            EVP_PKEY_fromdata(context, &key, Int32(publicHalf), parameters) == 1, let key
        else { throw .malformed }
        return try KeyHandle(owning: key, isPrivate: false)
    }

    /// The numbers of the public half.
    package func publicNumbers() throws(KeyFailure) -> PublicNumbers {
        defer { clearErrors() }
        switch kind {
        case .rsa: return .rsa(modulus: try number("n"), exponent: try number("e"))
        case .ec(let curve):
            let size = curve.coordinateBytes
            return .ec(curve, x: try number("qx", padTo: size), y: try number("qy", padTo: size))
        case .ed25519: return .ed25519(try rawPublic())
        case .ed448: return .ed448(try rawPublic())
        }
    }

    private func number(_ name: String, padTo size: Int? = nil) throws(KeyFailure) -> [UInt8] {
        var value: OpaquePointer?
        guard EVP_PKEY_get_bn_param(pointer, name, &value) == 1, let value else { throw .openSSLFailed }
        defer { BN_free(value) }
        let total = size ?? (Int(BN_num_bits(value)) + 7) / 8
        return [UInt8](unsafeUninitializedCapacity: total) { target, count in
            count = max(0, Int(BN_bn2binpad(value, target.baseAddress, Int32(total))))
        }
    }

    private func rawPublic() throws(KeyFailure) -> [UInt8] {
        var total = 0
        guard EVP_PKEY_get_raw_public_key(pointer, nil, &total) == 1 else { throw .openSSLFailed }
        return [UInt8](unsafeUninitializedCapacity: total) { target, count in
            count = EVP_PKEY_get_raw_public_key(pointer, target.baseAddress, &total) == 1 ? total : 0
        }
    }
}

/// A literal as C sees it, for those who keep the pointer.
private func cString(_ text: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

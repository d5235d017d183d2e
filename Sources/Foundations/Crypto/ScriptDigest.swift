internal import COpenSSL

/// SHA-1 in hexadecimal: how Redis names a script (EVALSHA). Nothing that must not be forged may rest on it.
package enum ScriptDigest {
    package static func name(of script: String) -> String {
        guard let digest = EVP_MD_fetch(nil, "SHA1", nil) else { preconditionFailure("OpenSSL has no SHA1") }
        defer { EVP_MD_free(digest) }
        var script = script
        let bytes = [UInt8](unsafeUninitializedCapacity: 20) { target, count in
            script.withUTF8 { text in
                // Fails only without memory.
                let done = EVP_Digest(text.baseAddress, text.count, target.baseAddress, nil, digest, nil)
                precondition(done == 1, "OpenSSL could not hash")
            }
            count = 20
        }
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

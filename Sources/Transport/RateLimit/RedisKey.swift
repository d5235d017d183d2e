internal import Bytes
internal import Crypto
internal import LimitRules

/// The name of a counter in Redis.
///
///     PREFIX:{TENANT}:PLACE:NAME:WINDOW:KEYS:ISSUER:VALUE…      a limit per tenant
///     PREFIX:PLACE:NAME:WINDOW:KEYS:ISSUER:VALUE…               any other
///     PREFIX:rls/DOMAIN:SECONDSs:KEY…:VALUE…                     of the rate-limit service, as many keys as values
///
/// The braces are Redis Cluster's hash tag: what one tenant is counted by lies together. Without braces the whole name
/// decides. ISSUER is there only for limits with a value from a token. Unambiguous: in a part every byte but
/// `A–Z a–z 0–9 - _ . / @ ,` is written as %XX, and a part longer than 128 bytes is `~` and its SHA-256.
enum RedisKey {
    static let partBytesMax = 128

    /// PLACE:NAME:WINDOW:KEYS, the same for every call.
    static func fixedPart(place: String, name: String, rule: LimitRule) -> [UInt8] {
        var output = ByteBuffer()
        var window = "\(rule.window.units)\(rule.window.unit.rawValue)"
        // What a counter's value means, and in which window.
        if rule.effectiveAlgorithm == .concurrency {
            window = rule.effectiveAlgorithm.rawValue
        } else if rule.effectiveAlgorithm != LimitRule(count: 1, window: rule.window).effectiveAlgorithm {
            window += "/\(rule.effectiveAlgorithm.rawValue)"
        }
        if let measure = rule.measure {
            window += "/\(measure)"
            // A bucket's level is time, whatever the unit.
            if rule.unit > 1, rule.effectiveAlgorithm != .tokenBucket { window += "/\(rule.unit)" }
        }
        if let start = rule.start { window += "@\(start)" }
        if let timeZone = rule.timeZone { window += "@\(timeZone)" }
        let keys = rule.keys.map(\.description).joined(separator: ",")
        for (index, part) in [place, name, window, keys].enumerated() {
            if index > 0 { output.append(byte: 0x3a) }
            var part = part
            part.withUTF8 { append(UnsafeRawBufferPointer($0), to: &output) }
        }
        return Array(output.readable)
    }

    /// rls/DOMAIN:SECONDSs:KEY…, the same for every request. No place of a gateway's limit begins so.
    static func servicePart(domain: String, keys: [[UInt8]], seconds: UInt64) -> [UInt8] {
        var output = ByteBuffer()
        output.append("rls/")
        for (index, part) in ([Array(domain.utf8), Array("\(seconds)s".utf8)] + keys).enumerated() {
            if index > 0 { output.append(byte: 0x3a) }
            part.withUnsafeBytes { append($0, to: &output) }
        }
        return Array(output.readable)
    }

    /// The whole name of the counter of the limit at `index`.
    static func write(_ request: LimitRequest, _ index: Int, prefix: [UInt8], to output: inout ByteBuffer) {
        request.slots[index].limit._withUnsafeGuaranteedRef { limit in
            output.append(prefix)
            output.append(byte: 0x3a)
            if limit.tenantKeyIndex >= 0 {
                output.append(byte: 0x7b)
                append(request.value(at: index, key: limit.tenantKeyIndex), to: &output)
                output.append(byte: 0x7d)
                output.append(byte: 0x3a)
            }
            output.append(limit.redisPart)
            if limit.needsIssuer {
                output.append(byte: 0x3a)
                append(request.issuerBytes, to: &output)
            }
            var place = 0
            for key in 0..<limit.keyCount {
                let value = request.value(at: index, from: &place)
                if key == limit.tenantKeyIndex { continue }
                output.append(byte: 0x3a)
                append(value, to: &output)
            }
        }
    }

    static func append(_ part: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        if part.count > partBytesMax {
            output.append(byte: 0x7e)
            withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { digest in
                DigestAlgorithm.sha256.hash(part, into: digest)
                for byte in digest { appendHexadecimal(byte, to: &output) }
            }
            return
        }
        for byte in part {
            if isPlain(byte) {
                output.append(byte: byte)
            } else {
                output.append(byte: 0x25)
                appendHexadecimal(byte, to: &output)
            }
        }
    }

    private static func appendHexadecimal(_ byte: UInt8, to output: inout ByteBuffer) {
        let high = byte >> 4
        let low = byte & 15
        output.append(byte: high < 10 ? 0x30 + high : 0x37 + high)
        output.append(byte: low < 10 ? 0x30 + low : 0x37 + low)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2c, 0x2d, 0x2e, 0x2f, 0x40, 0x5f: true
        default: false
        }
    }
}

import Bytes
import Compression
import Control
import Crypto
import HTTPModel
import JOSE
import JSON
import Matching
import Time

extension FuzzEntry {
    static let foundations: [FuzzEntry] = [
        FuzzEntry("digits") { input in
            let text = input.text()
            let number = withBytes(text) { Decimal.read($0) }
            _ = number?.addingSaturating(input.number()).scaled(by: input.number()).clamped(as: Int32.self)
            _ = Untrusted<Int64>(signedDecimal: text.utf8)?.adding(Int64(bitPattern: input.number()))
            _ = Untrusted<UInt64>(hexadecimal: text.utf8)?.exactly(as: Int.self)
            _ = Double(text).flatMap { Untrusted<Int64>(flooring: $0) }?.clamped(to: -1...1)
        },
        FuzzEntry("numbers of values") { input in
            let text = input.text()
            let range = NumberRange(minimum: NumberRange.bound(text), maximum: NumberRange.bound(input.text()))
            for value in [text, "-\(text)", "\(text).\(input.text())"] { _ = withBytes(value) { range.contains($0) } }
        },
        FuzzEntry("lists of values") { input in
            let text = [input.text(), " \(input.text())\r", "#\(input.text())", input.text()].joined(separator: "\n")
            let matcher = ValueList(Array(text.utf8)).map { ValueMatcher(ValueMatch(.file("l")), files: ["l": $0]) }
            for value in [text, input.text()] { _ = withBytes(value) { matcher?.tests.matches($0) } }
        },
        FuzzEntry("times") { input in
            let wall = WallTime(seconds: Int64(bitPattern: input.number()))
            let duration = Duration.seconds(Int64(bitPattern: input.number())) + .nanoseconds(Int64(bitPattern: input.number()))
            _ = (wall.seconds, Instant(nanoseconds: input.number()) + duration, duration.jittered(input.number()))
        },
        FuzzEntry("json") { input in
            guard let value = try? JSONValue.parse("[\(input.text()),\(input.text())]") else { return }
            for number in value.elements { _ = (number.int64, number.double, number.floor?.clamped(to: -9...9)) }
        },
        FuzzEntry("numbers in fields") { input in
            var fields = FieldBlock()
            defer { fields.destroy() }
            fields.append(":status", input.text())
            fields.append("grpc-previous-rpc-attempts", input.text())
            for field in fields.all { _ = (field.number?.clamped(to: 0...(1 << 31)), field.number?.exactly(as: Int.self)) }
        },
        FuzzEntry("authorities") { input in
            let port = input.text()
            for host in ["a.b", "10.0.0.1", "[::1]", ""] { withBytes("\(host):\(port)") { _ = AuthorityGrammar.isValid($0) } }
        },
        FuzzEntry("gzip", inputs: 2000) { input in
            let size = UInt32(truncatingIfNeeded: input.number())
            // "abc", with any size at its end.
            let whole =
                [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x4B, 0x4C, 0x4A, 0x06, 0, 0xC2, 0x41, 0x24, 0x35]
                + withUnsafeBytes(of: size.littleEndian) { Array($0) }
            var inflater = Inflater(
                InflateLimits(
                    outputBytesMax: Int(truncatingIfNeeded: input.number() >> 1),
                    ratioMax: 1 + Int(truncatingIfNeeded: input.number() >> 2)))
            withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { room in
                _ = withBytes(input.damaged(whole)) { try? inflater.step($0, into: room) }
            }
        },
        FuzzEntry("gzip's density") { input in
            let limits = InflateLimits(
                outputBytesMax: Int(truncatingIfNeeded: input.number() >> 1),
                ratioMax: 1 + Int(truncatingIfNeeded: input.number() >> 2),
                freeBytes: 0)
            var density = DensityGuard(limits)
            // As many bytes as there were in memory.
            for _ in 0..<4 { try? density.record(consumed: Int(input.number() >> 24), written: Int(input.number() >> 24)) }
        },
        FuzzEntry("tokens", inputs: 1500) { input in
            let claims = #"{"iss":"i","aud":"a","exp":\#(input.text()),"nbf":\#(input.text()),"iat":\#(input.text())}"#
            Tokens.shared.verify(claims, now: WallTime(nanoseconds: input.number()))
        },
        FuzzEntry("key sets' freshness") { input in
            let field = "public, max-age=\(input.text())"
            guard let time = Freshness.read(cacheControl: [field], age: input.text()) else { return }
            _ = Instant.now() + time
        },
        FuzzEntry("process memory") { input in
            _ = withBytes("\(input.text()) \(input.text()) 3") { ProcessMemory.residentBytes(statm: $0, pageBytes: 4096) }
        },
    ]
}

/// A token that is signed, whatever it says.
private final class Tokens: Sendable {
    static let shared = Tokens()
    private let issuers: [TrustedIssuer]

    private init() {
        let set = #"{"keys":[{"kty":"oct","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE","alg":"HS256"}]}"#
        issuers = [
            TrustedIssuer(IssuerPolicy(issuer: "i", audiences: ["a"]), keys: try? KeySet.parse(Array(set.utf8), rules: .local))
        ]
    }

    func verify(_ claims: String, now: WallTime) {
        guard let key = try? MintingKey(secret: .init(Array("01234567890123456789012345678901".utf8)), algorithm: .hs256),
            let token = try? TokenMinter.mint(claims: claims, with: key, keyID: nil)
        else { return }
        _ = withBytes(token) { try? TokenVerifier.verify($0, trusting: issuers, at: now) }
    }
}

import Bytes
import JOSE
import JSON
import Time

/// A decoded token: header and claims as one indented JSON object, then its times in words.
enum TokenText {
    static func write(_ token: CompactToken, at now: WallTime, into text: inout ByteBuffer) {
        text.append("{\n  \"header\": ")
        JSONText.write(token.header, indent: 2, into: &text)
        text.append(",\n  \"claims\": ")
        JSONText.write(token.claims, indent: 2, into: &text)
        text.append("\n}\n")
        for (name, words) in [("iat", "issued     "), ("nbf", "valid from "), ("exp", "expires    ")] {
            guard let second = token.claims[name: name]?.seconds else { continue }
            text.append("\(words)\(TimeText.absolute(second)), \(TimeText.relative(second, to: now.seconds))\n")
        }
    }
}

extension JSONValue {
    /// NumericDate (RFC 7519, section 2), within the years 1970 to 9999.
    fileprivate var seconds: Int64? {
        floor?.exactly(in: 0...253_402_300_799)
    }
}

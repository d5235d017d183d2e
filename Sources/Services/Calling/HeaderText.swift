internal import Bytes
package import Transport

/// Metadata as people give it on a command line.
package enum HeaderText {
    package enum Mistake: Error, Equatable, CustomStringConvertible {
        case noColon, badName, badValue, notBase64, ours

        package var description: String {
            switch self {
            case .noColon: "expected NAME: VALUE"
            case .badName: "expected a name of letters, digits, -, _ and ."
            case .badValue: "expected a value of visible ASCII characters"
            case .notBase64: "expected base64, which the values of -bin names are given in"
            case .ours: "the call itself says this; expected other metadata"
            }
        }
    }

    /// What the call says itself.
    private static let reserved: Set<String> = [
        "te", "content-type", "content-length", "connection", "host", "transfer-encoding", "upgrade", "trailer",
    ]

    /// `name: value`. The value of a `-bin` name is base64.
    package static func read(_ text: String) throws(Mistake) -> ClientCallHead.Metadata {
        guard let colon = text.firstIndex(of: ":") else { throw .noColon }
        let name = String(text[..<colon]).lowercased()
        guard !name.isEmpty, name.utf8.allSatisfy(isNameByte) else { throw .badName }
        guard !reserved.contains(name), !name.hasPrefix("grpc-") else { throw .ours }
        var value = text[text.index(after: colon)...]
        while let first = value.first, first == " " || first == "\t" { value = value.dropFirst() }
        while let last = value.last, last == " " || last == "\t" { value = value.dropLast() }
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 <= 0x7E }) else { throw .badValue }
        if name.hasSuffix("-bin") {
            guard Array(value.utf8).withUnsafeBytes({ Base64.decode($0) }) != nil else { throw .notBase64 }
        }
        return .init(name, String(value), isSecret: name == "authorization" || name == "cookie")
    }

    /// Lower-case letters, digits, `-`, `_` and `.` (gRPC over HTTP/2, "Custom-Metadata").
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// A token as it is sent; `nil` where it could not stand in a header. White space around it, and the word `Bearer`, are
    /// left out, since files and copies have them.
    package static func token(_ text: String) -> ClientCallHead.Metadata? {
        var token = text[...]
        func isSpace(_ character: Character) -> Bool { character.isWhitespace }
        token = token.drop(while: isSpace)
        if token.lowercased().hasPrefix("bearer ") { token = token.dropFirst(7).drop(while: isSpace) }
        while let last = token.last, isSpace(last) { token = token.dropLast() }
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 <= 0x7E }) else { return nil }
        return .init("authorization", "Bearer \(token)", isSecret: true)
    }
}

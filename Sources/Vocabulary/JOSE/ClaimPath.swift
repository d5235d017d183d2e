internal import Bytes
package import JSON

/// Where a claim lies: member names from the outside in, prepared once.
///
///     tenant                      one member
///     realm.tenant                dots descend
///     ["https://acme.dev/tenant"]  a name with dots in it, given as a list
package struct ClaimPath: Hashable, Sendable {
    package let names: [String]
    private let nameBytes: [[UInt8]]

    /// `nil` for an empty text, and for one with nothing before, after or between dots.
    package init?(dotted text: String) {
        self.init(names: text.split(separator: ".", omittingEmptySubsequences: false).map(String.init))
    }

    /// `nil` for an empty list and for one with an empty name in it.
    package init?(names: [String]) {
        guard !names.isEmpty, !names.contains("") else { return nil }
        self.names = names
        nameBytes = names.map { Array($0.utf8) }
    }

    /// As the configuration would write it, for messages.
    package var description: String { names.joined(separator: ".") }

    /// The claim, which may be `null`; `nil` where there is none.
    package func find(in claims: JSONValue) -> JSONValue? {
        var value = claims
        for name in nameBytes {
            guard let next = name.withUnsafeBytes({ value.member($0) }) else { return nil }
            value = next
        }
        return value
    }
}

extension VerifiedToken {
    package func claim(_ path: ClaimPath) -> JSONValue? { path.find(in: claims) }
}

extension JSONValue {
    /// Hands over the text of a string, number or boolean, as a rule or a key compares it; `nil`, without calling `body`,
    /// for all else. The bytes are valid only inside `body`.
    package func withScalar<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        switch kind {
        case .string, .number: return withText(body)
        case .boolean:
            let word: StaticString = boolean == true ? "true" : "false"
            return body(BorrowedBytes(word))
        case .null, .array, .object: return nil
        }
    }

    /// A string's text, a number as it was written, `true` or `false`; `nil` for all else.
    package var scalarText: String? { withScalar { String(decoding: $0, as: UTF8.self) } }
}

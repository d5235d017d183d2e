/// What a route or a rule requires of one request header.
package struct HeaderCondition: Hashable, Sendable {
    /// Lower-case, as HTTP/2 carries it.
    package let name: String
    package let value: Value

    package enum Value: Hashable, Sendable {
        /// The header is present, with any value; written `"*"`.
        case present
        /// The value is these bytes, case and all.
        case exact(String)
    }

    package enum Mistake: Error, Equatable {
        case notAName
        /// `host` and the pseudo-headers: HTTP/2 callers send no such header, so a condition on it could be walked around.
        case hasItsOwnKey
        case notAValue

        /// What a configuration message gives as expected.
        package var expected: String {
            switch self {
            case .notAName: "a header name: letters, digits and !#$%&'*+-.^_`|~"
            case .hasItsOwnKey: "a header; authority and path have keys of their own"
            case .notAValue: "visible ASCII without spaces at its ends, or \"*\" for any value"
            }
        }
    }

    /// - Parameter text: the value as written; `*` means present.
    package init(name: String, _ text: String) throws(Mistake) {
        self.name = try Self.name(name)
        guard Self.isValue(text) else { throw .notAValue }
        value = text == "*" ? .present : .exact(text)
    }

    /// The name of a header that may be asked about, in lower case.
    package static func name(_ name: String) throws(Mistake) -> String {
        guard !name.hasPrefix(":"), name.lowercased() != "host" else { throw .hasItsOwnKey }
        guard !name.isEmpty, name.utf8.allSatisfy(HTTPGrammar.isToken) else { throw .notAName }
        return name.lowercased()
    }

    /// Whether a header can have this value.
    package static func isValue(_ text: String) -> Bool {
        text.utf8.allSatisfy({ $0 >= 0x20 && $0 <= 0x7e }) && text.utf8.first != 0x20 && text.utf8.last != 0x20
    }
}

package import Matching

/// What a route or a rule requires of one request header or query parameter.
package struct FieldMatch: Hashable, Sendable {
    package let name: String
    package let value: ValueMatch

    package init(parameter name: String, _ value: ValueMatch) {
        self.name = name
        self.value = value
    }

    /// - Parameter name: of any case; HTTP/2 carries it in lower case.
    package init(header name: String, _ value: ValueMatch) throws(Mistake) {
        self.name = try Self.headerName(name)
        self.value = value
    }

    package enum Mistake: Error, Equatable {
        case notAName
        /// `host` and the pseudo-headers: HTTP/2 callers send no such header, so a condition on it could be walked around.
        case hasItsOwnKey

        /// What a configuration message gives as expected.
        package var expected: String {
            switch self {
            case .notAName: "a header name: letters, digits and !#$%&'*+-.^_`|~"
            case .hasItsOwnKey: "a header; authority and path have keys of their own"
            }
        }
    }

    /// The name of a header that may be asked about, in lower case.
    package static func headerName(_ name: String) throws(Mistake) -> String {
        guard !name.hasPrefix(":"), name.lowercased() != "host" else { throw .hasItsOwnKey }
        guard !name.isEmpty, name.utf8.allSatisfy(HTTPGrammar.isToken) else { throw .notAName }
        return name.lowercased()
    }

    /// Whether a header can have this value.
    package static func isHeaderValue(_ text: String) -> Bool {
        text.utf8.allSatisfy({ $0 >= 0x20 && $0 <= 0x7e }) && text.utf8.first != 0x20 && text.utf8.last != 0x20
    }
}

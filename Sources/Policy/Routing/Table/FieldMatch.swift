package import HTTPModel
package import Matching

/// What a route requires of one request header or query parameter.
package struct FieldMatch: Hashable, Sendable {
    package let name: String
    package let value: ValueMatch

    package init(parameter name: String, _ value: ValueMatch) {
        self.name = name
        self.value = value
    }

    /// - Parameter name: of any case; HTTP/2 carries it in lower case.
    package init(header name: String, _ value: ValueMatch) throws(HeaderCondition.Mistake) {
        self.name = try HeaderCondition.name(name)
        self.value = value
    }
}

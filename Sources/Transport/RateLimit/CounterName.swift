package import LimitRules

/// One counter of a limit, off the request path: the limit with a value for each of its keys.
package struct CounterName: Sendable {
    package let limit: Limit
    package let issuer: [UInt8]
    package let values: [[UInt8]]

    /// - Parameter value: of a key; constants have their own.
    /// - Returns: `nil` where a key has none.
    package init?(_ limit: Limit, issuer: [UInt8], value: (LimitKey) -> [UInt8]?) {
        var values: [[UInt8]] = []
        for key in limit.rule.keys {
            if case .constant(let text) = key {
                values.append(Array(text.utf8))
            } else {
                guard let value = value(key) else { return nil }
                values.append(value)
            }
        }
        self.limit = limit
        self.issuer = issuer
        self.values = values
    }

    /// Makes the request one about it, with no hits: a question.
    package func fill(_ request: LimitRequest) {
        issuer.withUnsafeBytes { request.reset(issuer: $0) }
        request.begin(limit, hits: 0)
        for value in values { value.withUnsafeBytes { request.add(key: $0) } }
    }
}

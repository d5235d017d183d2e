/// How a method is reached by plain HTTP: `google.api.HttpRule`, from an annotation or from a configuration.
package struct HTTPRule: Hashable, Sendable {
    /// The HTTP method; `*` of a custom rule is any. Empty where the rule names none.
    package var verb = ""
    package var path = ""
    /// A top-level field of the request, `*` for all that the path does not bind, or `nil` for none.
    package var body: String?
    /// A top-level field of the response that is the whole answer.
    package var responseBody: String?
    package var additional: [HTTPRule] = []

    package init(
        verb: String, path: String, body: String? = nil, responseBody: String? = nil, additional: [HTTPRule] = []
    ) {
        self.verb = verb
        self.path = path
        self.body = body
        self.responseBody = responseBody
        self.additional = additional
    }

    /// - Parameter isAdditional: one within another, which may not have others within (google/api/http.proto).
    init(_ bytes: [UInt8], isAdditional: Bool = false) throws(WireFailure) {
        try bytes.forEachField { (number, value) throws(WireFailure) in
            switch number {
            case 2: (verb, path) = ("GET", value.text)
            case 3: (verb, path) = ("PUT", value.text)
            case 4: (verb, path) = ("POST", value.text)
            case 5: (verb, path) = ("DELETE", value.text)
            case 6: (verb, path) = ("PATCH", value.text)
            case 7: body = value.text.isEmpty ? nil : value.text
            case 8:
                try value.bytes.forEachField { (number, value) in
                    if number == 1 { verb = value.text }
                    if number == 2 { path = value.text }
                }
            case 11: if !isAdditional { additional.append(try HTTPRule(value.bytes, isAdditional: true)) }
            case 12: responseBody = value.text.isEmpty ? nil : value.text
            default: break
            }
        }
    }
}

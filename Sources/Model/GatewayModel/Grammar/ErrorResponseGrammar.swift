internal import Config

extension Grammar where Value == [ErrorResponse] {
    /// One, or a list of them, of which the first that has the status counts.
    static var errorResponses: Grammar {
        let one = Grammar<ErrorResponse>.errorResponse
        let several = Grammar.list(of: one)
        return Grammar(expected: "\(one.expected), or a list of such by status") { node, reader, expected in
            guard node.elements != nil else { return one.expecting(expected).read(node, reader).map { [$0] } }
            guard let responses = several.expecting(expected).read(node, reader) else { return nil }
            for (index, response) in responses.enumerated() {
                let before = responses[..<index]
                let isTaken =
                    response.statuses.isEmpty
                    ? before.contains { $0.statuses.isEmpty }
                    : response.statuses.allSatisfy { status in before.contains { $0.takes(status) } }
                guard isTaken, let place = node.elements?[index].place else { continue }
                reader.report("never sent: entries before it have every status of it", at: place)
            }
            return responses
        }
    }
}

extension Grammar where Value == ErrorResponse {
    fileprivate static var errorResponse: Grammar {
        .section(expected: "a mapping with body and content_type") { section in
            let statuses = section.value("status", .list(of: .count(400...599)), default: [])
            let body = section.required("body", .errorBody)
            let contentType = section.value("content_type", .contentType, default: Array("text/plain; charset=utf-8".utf8))
            return body.map { ErrorResponse(statuses: statuses, contentType: contentType, body: $0) }
        }
    }
}

extension Grammar where Value == CallTemplate {
    /// A text with variables, or `file:PATH` of one.
    fileprivate static var errorBody: Grammar {
        let text = callTemplate("a text, or file:PATH") { template in
            for variable in template.variables {
                if variable.isCredential { return "no credential of the caller: responses are read by scripts, caches and logs" }
                if variable.isOfAnswer, variable != .responseStatus {
                    return "variables of the request, or %{response.status}: the response is the gateway's own"
                }
            }
            return nil
        }
        return Grammar(expected: text.expected) { node, reader, expected in
            guard let scalar = node.scalar, scalar.text.hasPrefix("file:") else {
                return text.expecting(expected).read(node, reader)
            }
            guard let content = reader.readFile(String(scalar.text.dropFirst(5)), for: node) else { return nil }
            do throws(CallTemplate.Mistake) {
                return try CallTemplate(content)
            } catch {
                reader.report("found in the file what cannot be read, expected \(error.expected)", at: node.place)
                return nil
            }
        }
    }
}

internal import Protobuf

/// The path of a rule as OpenAPI writes it: every wildcard a parameter of its own.
struct OpenAPIPath {
    struct Parameter {
        var name: String
        /// The field that it is, or is a part of; `nil` for a wildcard that no field takes.
        var field: UnsafePointer<FieldSchema>?
        /// Of the field's value the path is only a part.
        var pattern: String?
        /// It may have slashes in it.
        var takesRest: Bool
    }

    private(set) var text = ""
    private(set) var parameters: [Parameter] = []

    init(_ binding: Binding, own path: String) {
        guard let template = binding.template else {
            text = path
            return
        }
        var last = "segment"
        for (index, segment) in template.segments.enumerated() {
            if case .literal(let bytes) = segment {
                last = String(decoding: bytes, as: UTF8.self)
                text += "/" + last
                continue
            }
            let variable = binding.variables.first { $0.segments.contains(index) }
            let isWhole = variable?.segments.count == 1
            var name = last
            if let variable, isWhole { name = variable.fields.map(\.pointee.name).joined(separator: ".") }
            var number = 2
            let wanted = name
            while parameters.contains(where: { $0.name == name }) {
                name = "\(wanted)_\(number)"
                number += 1
            }
            parameters.append(
                Parameter(
                    name: name, field: variable?.fields.last,
                    pattern: isWhole ? nil : variable.map { Self.pattern(template.segments[$0.segments]) },
                    takesRest: segment == .rest))
            text += "/{\(name)}"
        }
        if !template.verb.isEmpty { text += ":" + String(decoding: template.verb, as: UTF8.self) }
    }

    private static func pattern(_ segments: ArraySlice<PathTemplate.Segment>) -> String {
        segments.map { segment in
            switch segment {
            case .literal(let bytes): String(decoding: bytes, as: UTF8.self)
            case .one: "*"
            case .rest: "**"
            }
        }.joined(separator: "/")
    }
}

internal import Protobuf

/// One way to reach a method by HTTP: a rule, checked against the schema.
package final class Binding: @unchecked Sendable {
    enum Body {
        case none
        /// All that the path does not bind.
        case message
        case field(UnsafePointer<FieldSchema>)
    }

    struct Variable {
        /// From the request message down to a field that has a text form.
        var fields: [UnsafePointer<FieldSchema>]
        var segments: Range<Int>
        var takesRest: Bool
        var isSingle: Bool
    }

    /// The place of the method in the schema.
    package let method: Int
    /// `POST /v1/{name=shelves/*}:burn`, as it was written.
    package let text: String
    /// `nil` for the method's own path.
    let template: PathTemplate?
    /// The HTTP method, `*` for any.
    package let verb: String
    /// Of the method: what goes in and out, and whether more than once goes in.
    let input: UnsafePointer<MessageSchema>
    let output: UnsafePointer<MessageSchema>
    let clientStreams: Bool
    let body: Body
    let responseField: UnsafePointer<FieldSchema>?
    let variables: [Variable]
    let bound: BoundTree

    /// The binding every method has: POST to its own path, all of the message in the body.
    init(plain method: Int, of schema: Schema) {
        self.method = method
        input = schema.methods[method].input
        output = schema.methods[method].output
        clientStreams = schema.methods[method].clientStreams
        text = "POST \(schema.methods[method].path)"
        template = nil
        verb = "POST"
        body = .message
        responseField = nil
        variables = []
        bound = BoundTree()
    }

    /// Throws what is wrong as a sentence.
    init(_ rule: HTTPRule, _ template: PathTemplate, method: Int, of schema: Schema) throws(BindingMistake) {
        self.method = method
        input = schema.methods[method].input
        output = schema.methods[method].output
        clientStreams = schema.methods[method].clientStreams
        text = "\(rule.verb) \(rule.path)"
        self.template = template
        verb = rule.verb
        var tree = BoundTree()
        var variables: [Variable] = []
        for variable in template.variables {
            let fields = try Self.fields(variable.fieldPath, of: input)
            guard tree.add(fields, variable: variables.count) else {
                throw BindingMistake(problem: "\(variable.fieldPath.joined(separator: ".")) is bound twice")
            }
            variables.append(
                Variable(
                    fields: fields, segments: variable.segments,
                    takesRest: template.segments[variable.segments].last == .rest, isSingle: variable.isSingle))
        }
        self.variables = variables
        bound = tree
        switch rule.body {
        case nil: body = .none
        case "*": body = .message
        case .some(let name): body = .field(try Self.topLevel(name, of: input, role: "body"))
        }
        if let name = rule.responseBody {
            responseField = try Self.topLevel(name, of: output, role: "response_body")
        } else {
            responseField = nil
        }
    }

    private static func topLevel(
        _ name: String, of message: UnsafePointer<MessageSchema>, role: String
    ) throws(BindingMistake) -> UnsafePointer<FieldSchema> {
        if let field = message.pointee.field(name: name) { return field }
        throw BindingMistake(problem: "\(role): \(message.pointee.fullName) has no field \(name)")
    }

    private static func fields(
        _ path: [String], of message: UnsafePointer<MessageSchema>
    ) throws(BindingMistake) -> [UnsafePointer<FieldSchema>] {
        var message = message
        var fields: [UnsafePointer<FieldSchema>] = []
        for (index, name) in path.enumerated() {
            guard let field = message.pointee.field(name: name) else {
                throw BindingMistake(problem: "\(message.pointee.fullName) has no field \(name)")
            }
            fields.append(field)
            let isLast = index == path.count - 1
            let fits = isLast ? field.hasTextForm : field.pointee.message != nil
            guard field.pointee.shape == .singular, fits else {
                throw BindingMistake(
                    problem: "\(path.joined(separator: ".")): a path binds a single number, string, bytes, bool or enum, "
                        + "a Timestamp, Duration or FieldMask, or a wrapper of those")
            }
            if let next = field.pointee.message { message = next }
        }
        return fields
    }
}

/// Why a rule does not fit its method.
struct BindingMistake: Error { let problem: String }

extension BoundTree {
    /// `false` where the field, one within it or one around it has a variable already.
    mutating func add(_ fields: [UnsafePointer<FieldSchema>], variable: Int) -> Bool {
        var node = 0
        for field in fields {
            guard nodes[node].variable < 0 else { return false }
            var next = child(node, field)
            if next < 0 {
                next = nodes.count
                nodes.append(Node(field: field))
                nodes[node].children.append(next)
            }
            node = next
        }
        guard nodes[node].variable < 0, nodes[node].children.isEmpty else { return false }
        nodes[node].variable = variable
        return true
    }
}

extension UnsafePointer<FieldSchema> {
    /// Whether a path or a query can say one value of it: a scalar, an enum, or a message that JSON writes as a string or scalar.
    var hasTextForm: Bool {
        guard let message = pointee.message else { return true }
        switch message.pointee.wellKnown {
        case .timestamp, .duration, .fieldMask, .wrapper: return pointee.kind == .message
        case .none, .any, .structure, .value, .listValue, .empty, .httpBody: return false
        }
    }

    /// Whether a body that is this field is raw bytes.
    var isRawBody: Bool { pointee.shape == .singular && pointee.message?.pointee.wellKnown == .httpBody }
}

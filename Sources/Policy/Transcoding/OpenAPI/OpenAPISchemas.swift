internal import Protobuf

/// The messages of one document as JSON Schema, each once, in the way that their routes write JSON.
struct OpenAPISchemas {
    private struct Key: Hashable {
        var schema: ObjectIdentifier
        var message: UnsafePointer<MessageSchema>
        var style: Int
    }

    private var names: [Key: String] = [:]
    private var taken: Set<String> = ["google.rpc.Status"]
    /// Named, and not yet written.
    private var waiting: [(name: String, message: UnsafePointer<MessageSchema>, plan: TranscodingPlan)] = []

    /// A message where it stands.
    mutating func message(_ message: UnsafePointer<MessageSchema>, _ plan: TranscodingPlan) -> JSONTree {
        switch message.pointee.wellKnown {
        case .none, .httpBody: return ["$ref": "#/components/schemas/\(name(of: message, plan))"]
        case .any: return ["type": "object", "properties": ["@type": ["type": "string"]], "required": ["@type"]]
        case .timestamp: return ["type": "string", "format": "date-time"]
        case .duration: return ["type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$"]
        case .fieldMask: return ["type": "string", "description": "Names of fields, joined by commas."]
        case .structure: return ["type": "object"]
        case .value: return [:]
        case .listValue: return ["type": "array", "items": [:]]
        case .empty: return ["type": "object", "additionalProperties": false]
        case .wrapper:
            guard let value = message.pointee.field(number: 1) else { return [:] }
            return ["anyOf": [one(value, plan), ["type": "null"]]]
        }
    }

    /// All that a field holds.
    mutating func field(_ field: UnsafePointer<FieldSchema>, _ plan: TranscodingPlan) -> JSONTree {
        switch field.pointee.shape {
        case .singular: return one(field, plan)
        case .repeated: return ["type": "array", "items": one(field, plan)]
        case .map:
            guard let value = field.pointee.message?.pointee.field(number: 2) else { return ["type": "object"] }
            return ["type": "object", "additionalProperties": one(value, plan)]
        }
    }

    /// What a path or a query says of a field: a wrapper's value, where JSON could also say `null`.
    mutating func text(_ field: UnsafePointer<FieldSchema>, _ plan: TranscodingPlan) -> JSONTree {
        guard let message = field.pointee.message, message.pointee.wellKnown == .wrapper,
            let value = message.pointee.field(number: 1)
        else { return self.field(field, plan) }
        let one = one(value, plan)
        return field.pointee.shape == .repeated ? ["type": "array", "items": one] : one
    }

    static func name(of field: UnsafePointer<FieldSchema>, _ plan: TranscodingPlan) -> String {
        plan.options.keepsProtoNames ? field.pointee.name : field.pointee.jsonName
    }

    private mutating func one(_ field: UnsafePointer<FieldSchema>, _ plan: TranscodingPlan) -> JSONTree {
        if let message = field.pointee.message { return self.message(message, plan) }
        switch field.pointee.kind {
        case .double: return ["type": "number", "format": "double"]
        case .float: return ["type": "number", "format": "float"]
        case .int32, .sint32, .sfixed32: return ["type": "integer", "format": "int32"]
        case .uint32, .fixed32: return ["type": "integer", "format": "uint32", "minimum": 0]
        case .int64, .sint64, .sfixed64: return ["type": "string", "format": "int64"]
        case .uint64, .fixed64: return ["type": "string", "format": "uint64"]
        case .bool: return ["type": "boolean"]
        case .bytes: return ["type": "string", "contentEncoding": "base64"]
        case .enumeration: return enumeration(field, plan)
        case .string, .message, .group: return ["type": "string"]
        }
    }

    private func enumeration(_ field: UnsafePointer<FieldSchema>, _ plan: TranscodingPlan) -> JSONTree {
        guard let type = field.pointee.enumeration else { return ["type": "string"] }
        if type.pointee.isNull { return ["type": "null"] }
        let values = UnsafeBufferPointer(start: type.pointee.values, count: type.pointee.valueCount)
        if plan.options.printsEnumsAsNumbers {
            var numbers: [Int32] = []
            for value in values where !numbers.contains(value.number) { numbers.append(value.number) }
            return ["type": "integer", "enum": .list(numbers.map { .number(Int64($0)) })]
        }
        return ["type": "string", "enum": .list(values.map { .text($0.name) })]
    }

    // MARK: components

    private mutating func name(of message: UnsafePointer<MessageSchema>, _ plan: TranscodingPlan) -> String {
        let style = (plan.options.keepsProtoNames ? 1 : 0) + (plan.options.printsEnumsAsNumbers ? 2 : 0)
        let key = Key(schema: ObjectIdentifier(plan.schema), message: message, style: style)
        if let name = names[key] { return name }
        // Another schema may have another message of this name, and another route another way to write it.
        var name = message.pointee.fullName
        var number = 2
        while !taken.insert(name).inserted {
            name = "\(message.pointee.fullName)-\(number)"
            number += 1
        }
        names[key] = name
        waiting.append((name, message, plan))
        return name
    }

    /// All that were named, and what they name.
    mutating func components() -> [(name: String, value: JSONTree)] {
        var components: [(name: String, value: JSONTree)] = []
        while let (name, message, plan) = waiting.popLast() { components.append((name, object(message, plan))) }
        return components.sorted { $0.name < $1.name }
    }

    private mutating func object(_ message: UnsafePointer<MessageSchema>, _ plan: TranscodingPlan) -> JSONTree {
        var properties: [(name: String, value: JSONTree)] = []
        var required: [JSONTree] = []
        for index in 0..<message.pointee.fieldCount {
            let field = message.pointee.fields + index
            let name = Self.name(of: field, plan)
            properties.append((name, self.field(field, plan)))
            if field.pointee.presence == .required { required.append(.text(name)) }
        }
        let object: JSONTree = ["type": "object", "properties": .object(properties)]
        return required.isEmpty ? object : object.adding("required", .list(required))
    }
}

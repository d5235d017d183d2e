internal import Protobuf

/// Reads the parameters of a query into fields, by their names with dots: `filter.author.born=1815&tags=a&tags=b`.
struct QueryReader: ~Copyable {
    private var fields: [UnsafePointer<FieldSchema>] = []
    private var name = Output(capacity: 64)
    private var value = Output(capacity: 64)

    /// On failure `failed` is the parameter's name.
    mutating func read(
        _ query: UnsafeRawBufferPointer, _ binding: Binding, of message: UnsafePointer<MessageSchema>,
        into bound: inout BoundFields, _ encoder: MessageEncoder, failed: inout String
    ) throws(Problem) {
        var start = 0
        var count = 0
        guard query.count > 0 else { return }
        for index in 0...query.count where index == query.count || query[index] == UInt8(ascii: "&") {
            if index > start {
                count += 1
                guard count <= BoundFields.parametersMax else { throw .notInQuery }
                let parameter = UnsafeRawBufferPointer(rebasing: query[start..<index])
                try read(parameter: parameter, binding, of: message, into: &bound, encoder, failed: &failed)
            }
            start = index + 1
        }
    }

    private mutating func read(
        parameter: UnsafeRawBufferPointer, _ binding: Binding, of message: UnsafePointer<MessageSchema>,
        into bound: inout BoundFields, _ encoder: MessageEncoder, failed: inout String
    ) throws(Problem) {
        let equals = parameter.firstIndex(of: UInt8(ascii: "=")) ?? parameter.count
        name.reset()
        value.reset()
        do throws(Problem) {
            try PercentText.decode(UnsafeRawBufferPointer(rebasing: parameter[..<equals]), .query, into: &name)
            guard try resolve(binding, message, ignoring: encoder.options.ignoresUnknownParameters) else { return }
            let text = UnsafeRawBufferPointer(rebasing: parameter[min(equals + 1, parameter.count)...])
            try PercentText.decode(text, .query, into: &value)
            try bound.add(fields, value.bytes, encoder)
        } catch {
            failed = String(decoding: name.bytes.prefix(64), as: UTF8.self)
            throw error
        }
    }

    /// Finds the fields of the name. `false`: there are none, and that does not matter.
    private mutating func resolve(
        _ binding: Binding, _ message: UnsafePointer<MessageSchema>, ignoring: Bool
    ) throws(Problem) -> Bool {
        fields.removeAll(keepingCapacity: true)
        var message = message
        var start = 0
        let count = name.count
        for index in 0...count where index == count || name.base[index] == UInt8(ascii: ".") {
            guard let field = message.pointee.field(name: name.base + start, index - start) else {
                if ignoring { return false }
                throw .unknownMember
            }
            fields.append(field)
            start = index + 1
            if index == count { continue }
            guard field.pointee.shape == .singular, let next = field.pointee.message,
                next.pointee.wellKnown == .none, fields.count < 32
            else { throw .notInQuery }
            message = next
        }
        switch binding.body {
        case .none: break
        case .message:
            if ignoring { return false }
            throw .inBody
        case .field(let field):
            if fields[0] == field { throw .inBody }
        }
        let leaf = fields[fields.count - 1]
        if leaf.pointee.shape == .map { throw .notInQuery }
        return true
    }
}

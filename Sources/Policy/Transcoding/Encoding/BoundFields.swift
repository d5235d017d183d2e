internal import Bytes
internal import Protobuf

/// The fields of a request that its path and its query give, encoded once at the head and put behind every message.
///
/// What comes last in protobuf wins, and parts of a message merge; so nothing has to be put into the body. That the body
/// does not say otherwise is the encoder's to see.
struct BoundFields: ~Copyable {
    /// What is put behind a message.
    private(set) var tail = Output(capacity: 256)
    private var sizes: [Int] = []
    private var given: [Given] = []
    private var plain = Output(capacity: 256)

    /// A field or oneof that has its value, named by a hash of the way to it.
    private struct Given {
        var place: UInt64
        /// Of a oneof, which of its fields.
        var field: UnsafePointer<FieldSchema>?
    }

    /// More parameters are refused: each is looked for among all others.
    static let parametersMax = 256

    mutating func reset() {
        tail.reset()
        given.removeAll(keepingCapacity: true)
    }

    /// The variables of the path. On failure `failed` is the field's way.
    mutating func readPath(
        _ binding: Binding, _ match: BindingMatch, _ encoder: MessageEncoder, failed: inout String
    ) throws(Problem) {
        encoder.leaves.reset()
        encoder.leafRanges.removeAll(keepingCapacity: true)
        for variable in binding.variables {
            do throws(Problem) {
                plain.reset()
                try PercentText.decode(match.capture(variable), variable.isSingle ? .all : .exceptSlash, into: &plain)
                encoder.begin(UnsafeRawBufferPointer(start: nil, count: 0))
                try encoder.textField(variable.fields[variable.fields.count - 1], plain.bytes)
                try record(variable.fields)
            } catch {
                failed = Self.name(variable.fields)
                throw error
            }
            let start = encoder.leaves.count
            encoder.copyOutput(to: &encoder.leaves)
            encoder.leafRanges.append(start..<encoder.leaves.count)
            wrap(encoder.leaf(encoder.leafRanges.count - 1), in: variable.fields)
        }
    }

    /// One parameter, its name resolved: a leaf of `fields`.
    mutating func add(
        _ fields: [UnsafePointer<FieldSchema>], _ text: UnsafeRawBufferPointer, _ encoder: MessageEncoder
    ) throws(Problem) {
        let leaf = fields[fields.count - 1]
        encoder.begin(UnsafeRawBufferPointer(start: nil, count: 0))
        try encoder.textField(leaf, text)
        plain.reset()
        encoder.copyOutput(to: &plain)
        let variable = encoder.bound.variable(of: fields)
        if variable >= 0 {
            guard encoder.leaf(variable).equals(plain.bytes) else { throw .boundElsewhere }
            return
        }
        try record(fields)
        wrap(plain.bytes, in: fields)
    }

    /// Notes that a field has its value, and refuses a second one.
    private mutating func record(_ fields: [UnsafePointer<FieldSchema>]) throws(Problem) {
        var place: UInt64 = 0x9E37_79B9_7F4A_7C15
        for (index, field) in fields.enumerated() {
            if field.pointee.oneof >= 0 {
                let oneof = Self.mix(place, UInt64(field.pointee.oneof) | 1 << 63)
                if let other = given.first(where: { $0.place == oneof }) {
                    if other.field != field { throw .oneofConflict }
                } else {
                    given.append(Given(place: oneof, field: field))
                }
            }
            place = Self.mix(place, UInt64(field.pointee.number))
            guard index == fields.count - 1, field.pointee.shape == .singular else { continue }
            if given.contains(where: { $0.place == place && $0.field == nil }) { throw .givenTwice }
            given.append(Given(place: place, field: nil))
        }
    }

    private static func mix(_ place: UInt64, _ next: UInt64) -> UInt64 {
        let (high, low) = (place ^ next &* 0xA076_1D64_78BD_642F).multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
        return high ^ low
    }

    /// Appends a leaf in the messages around it.
    private mutating func wrap(_ leaf: UnsafeRawBufferPointer, in fields: [UnsafePointer<FieldSchema>]) {
        let depth = fields.count - 1
        sizes.removeAll(keepingCapacity: true)
        var size = leaf.count
        for index in (0..<depth).reversed() {
            sizes.append(size)
            let tag = Varint.width(UInt64(fields[index].pointee.tag))
            size += fields[index].pointee.kind == .group ? tag * 2 : tag + Varint.width(UInt64(size))
        }
        tail.reserve(size)
        for index in 0..<depth {
            tail.varint(UInt64(fields[index].pointee.tag))
            if fields[index].pointee.kind != .group { tail.varint(UInt64(sizes[depth - 1 - index])) }
        }
        tail.append(leaf)
        for index in (0..<depth).reversed() where fields[index].pointee.kind == .group {
            tail.varint(UInt64(fields[index].pointee.number << 3 | UInt32(WireType.groupEnd.rawValue)))
        }
    }

    static func name(_ fields: [UnsafePointer<FieldSchema>]) -> String {
        fields.map(\.pointee.jsonName).joined(separator: ".")
    }
}

extension Output {
    mutating func varint(_ value: UInt64) {
        reserve(10)
        advance(to: Varint.write(value, to: at))
    }
}

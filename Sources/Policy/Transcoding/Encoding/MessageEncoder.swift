internal import Bytes
internal import Glibc
internal import Protobuf

/// Turns the JSON of one message into protobuf, in one pass and without a tree of it.
///
/// Names are looked up as the bytes they are; the field that the file has next is tried first, because that is how JSON is
/// written mostly. What it writes is copied out when it is whole; after a failure, `trail` says where.
final class MessageEncoder {
    let schema: Schema
    let options: TranscodingOptions
    var json = JSONCursor(at: MessageEncoder.nothing, end: MessageEncoder.nothing)
    var output = Output()
    var scratch = Output(capacity: 256)
    var gaps = Gaps()
    var marks = FieldMarks()
    var keys = KeyList()
    var trail: Trail
    /// The values of path variables, encoded with their tags, and where each lies.
    var bound = BoundTree()
    var leaves = Output(capacity: 256)
    var leafRanges: [Range<Int>] = []
    /// Bytes that may still be read twice to find an `@type` that does not come first.
    var rereadLeft = 0

    nonisolated(unsafe) static let nothing = UnsafePointer<UInt8>(bitPattern: 1)!

    init(schema: Schema, options: TranscodingOptions) {
        self.schema = schema
        self.options = options
        trail = Trail(levelMax: options.depthMax)
    }

    /// Makes ready for one value.
    func begin(_ text: UnsafeRawBufferPointer) {
        let start = text.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? Self.nothing
        json = JSONCursor(at: start, end: start + text.count)
        output.reset()
        gaps.reset()
        marks.reset()
        keys.reset()
        trail.reset()
        rereadLeft = text.count * 4 + 4096
    }

    func end() throws(Problem) {
        json.skipSpace()
        guard json.at == json.end else { throw .trailingBytes }
    }

    // MARK: messages

    /// The value of a message's type, whatever JSON it has. Its length or its group's tags are the caller's.
    func value(of message: UnsafePointer<MessageSchema>, bound node: Int) throws(Problem) {
        switch message.pointee.wellKnown {
        case .none, .empty, .httpBody: try object(message, bound: node)
        case .structure: try structure()
        case .value: try dynamicValue()
        case .listValue: try list()
        case .any, .timestamp, .duration, .fieldMask, .wrapper:
            try trail.enterHidden()
            switch message.pointee.wellKnown {
            case .any: try any()
            case .timestamp: try timestamp()
            case .duration: try duration()
            case .fieldMask: try fieldMask()
            default: try wrapper(message)
            }
            trail.leaveHidden()
        }
    }

    /// An object of fields. `isAny`: with a member `@type`, which was read before.
    func object(_ message: UnsafePointer<MessageSchema>, bound node: Int, isAny: Bool = false) throws(Problem) {
        guard try json.peek() == UInt8(ascii: "{") else { throw .expectedObject }
        json.at += 1
        try trail.enter()
        let fieldCount = message.pointee.fieldCount
        // The last bit is for `@type`.
        let place = marks.open(bits: fieldCount + message.pointee.oneofCount + 1)
        if node >= 0 { markBoundOneofs(node, place, fieldCount) }
        if try json.peek() == UInt8(ascii: "}") {
            json.at += 1
        } else {
            var next = 0
            repeat {
                if let field = try member(of: message, expecting: next, isAny: isAny, place) {
                    next = Int(field.pointee.index) + 1
                    trail.at(field)
                    if marks.set(place, Int(field.pointee.index)) { throw .duplicateMember }
                    try value(of: field, bound: node, place, fieldCount)
                }
            } while try json.anotherFollows(before: UInt8(ascii: "}"))
        }
        if message.pointee.requiredCount > 0 { try checkRequired(message, place, bound: node) }
        marks.close(place)
        trail.leave()
    }

    /// Reads a member's name and colon. `nil`: it has no field, and its value was passed over.
    @inline(__always)
    private func member(
        of message: UnsafePointer<MessageSchema>, expecting next: Int, isAny: Bool, _ place: Int
    ) throws(Problem) -> UnsafePointer<FieldSchema>? {
        json.skipSpace()
        if next < message.pointee.fieldCount {
            let field = message.pointee.fields + next
            let count = Int(field.pointee.jsonKeyCount)
            if json.end - json.at > count, memcmp(json.at, field.pointee.jsonKey, count) == 0 {
                json.at += count
                return field
            }
        }
        return try namedMember(of: message, isAny: isAny, place)
    }

    private func namedMember(
        of message: UnsafePointer<MessageSchema>, isAny: Bool, _ place: Int
    ) throws(Problem) -> UnsafePointer<FieldSchema>? {
        guard try json.peek() == UInt8(ascii: "\"") else { throw .unexpectedByte }
        let text = try json.string()
        let name = try plain(text)
        try json.expect(UInt8(ascii: ":"))
        if let field = message.pointee.field(name: name.start, name.count) { return field }
        if isAny, UnsafeRawBufferPointer(start: name.start, count: name.count).equals("@type") {
            trail.atUnknown(name: text.start, text.count)
            guard !marks.set(place, message.pointee.fieldCount + message.pointee.oneofCount) else { throw .duplicateMember }
            json.skipSpace()
            _ = try json.string()
            return nil
        }
        trail.atUnknown(name: text.start, text.count)
        guard options.ignoresUnknown else { throw .unknownMember }
        try json.skipValue(depthLeft: options.depthMax - trail.level)
        return nil
    }

    /// The text with its escapes undone; they are undone into `scratch`, so it is valid until the next.
    @inline(__always)
    func plain(_ text: JSONCursor.Text) throws(Problem) -> (start: UnsafePointer<UInt8>, count: Int) {
        if !text.hasEscapes { return (text.start, text.count) }
        scratch.reset()
        try JSONCursor.undoEscapes(text, into: &scratch)
        return (UnsafePointer(scratch.base), scratch.count)
    }

    private func checkRequired(
        _ message: UnsafePointer<MessageSchema>, _ place: Int, bound node: Int
    ) throws(Problem) {
        for index in 0..<message.pointee.fieldCount where message.pointee.fields[index].presence == .required {
            let field = message.pointee.fields + index
            if marks.isSet(place, index) || node >= 0 && bound.child(node, field) >= 0 { continue }
            trail.at(field)
            throw .requiredMissing
        }
    }

    /// The path gave a member of these oneofs; the body may repeat that one, and give no other.
    private func markBoundOneofs(_ node: Int, _ place: Int, _ fieldCount: Int) {
        for child in bound.nodes[node].children {
            if let oneof = bound.nodes[child].field?.pointee.oneof, oneof >= 0 { _ = marks.set(place, fieldCount + Int(oneof)) }
        }
    }

    /// The value of the one field of the request that the body is.
    func bodyField(_ field: UnsafePointer<FieldSchema>) throws(Problem) {
        try trail.enter()
        trail.at(field)
        let first = try json.peek()
        if first != UInt8(ascii: "n") || Self.hasNull(field) {
            switch field.pointee.shape {
            case .singular:
                let child = bound.child(0, field)
                if child >= 0, bound.nodes[child].variable >= 0 {
                    try boundValue(of: field, child)
                } else {
                    try singular(field, bound: child)
                }
            case .repeated: try array(field)
            case .map: try map(field)
            }
        } else {
            try json.word("null")
        }
        trail.leave()
    }

    // MARK: one field

    @inline(__always)
    private func value(
        of field: UnsafePointer<FieldSchema>, bound node: Int, _ place: Int, _ fieldCount: Int
    ) throws(Problem) {
        let first = try json.peek()
        if first == UInt8(ascii: "n"), try isAbsent(field) {
            // A required field that is null is not there.
            return
        }
        let child = node < 0 ? -1 : bound.child(node, field)
        let oneof = field.pointee.oneof
        if oneof >= 0, child < 0, marks.set(place, fieldCount + Int(oneof)) { throw .oneofConflict }
        switch field.pointee.shape {
        case .singular:
            if child >= 0, bound.nodes[child].variable >= 0 { return try boundValue(of: field, child) }
            try singular(field, bound: child)
        case .repeated: try array(field)
        case .map: try map(field)
        }
    }

    /// Consumes a `null` that means the field is not given; the two types that have it as a value keep it.
    private func isAbsent(_ field: UnsafePointer<FieldSchema>) throws(Problem) -> Bool {
        if field.pointee.shape == .singular, Self.hasNull(field) { return false }
        try json.word("null")
        if field.pointee.presence == .required { throw .requiredMissing }
        return true
    }

    /// `google.protobuf.Value` and `google.protobuf.NullValue` have `null` as a value.
    @inline(__always)
    static func hasNull(_ field: UnsafePointer<FieldSchema>) -> Bool {
        if let message = field.pointee.message { return message.pointee.wellKnown == .value }
        return field.pointee.enumeration?.pointee.isNull == true
    }

    /// A field with its tag. A default of a field that cannot tell whether it was given is left out.
    @inline(__always)
    func singular(_ field: UnsafePointer<FieldSchema>, bound node: Int = -1) throws(Problem) {
        if field.pointee.message != nil { return try message(field, bound: node) }
        let start = output.count
        tag(field.pointee.tag)
        if options.ignoresUnknown, field.pointee.kind == .enumeration {
            if try !knownEnumValue(field) { output.truncate(to: start) }
            return
        }
        if try scalar(field) || field.pointee.presence != .implicit { return }
        output.truncate(to: start)
    }

    /// A message field with its tag.
    func message(_ field: UnsafePointer<FieldSchema>, bound node: Int = -1) throws(Problem) {
        tag(field.pointee.tag)
        if field.pointee.kind == .group {
            try value(of: field.pointee.message!, bound: node)
            tag(field.pointee.number << 3 | UInt32(WireType.groupEnd.rawValue))
        } else {
            let gap = gaps.open(&output)
            try value(of: field.pointee.message!, bound: node)
            gaps.close(gap, &output)
        }
    }

    /// The body may repeat what the path says, and not contradict it.
    private func boundValue(of field: UnsafePointer<FieldSchema>, _ node: Int) throws(Problem) {
        let mark = gaps.mark(output)
        if field.pointee.message != nil {
            try message(field)
        } else {
            tag(field.pointee.tag)
            _ = try scalar(field)
        }
        var said = Output(capacity: max(64, gaps.size(output, from: mark)))
        said.reserve(gaps.size(output, from: mark))
        gaps.write(output, from: mark, to: said.at)
        said.advance(to: said.at + gaps.size(output, from: mark))
        gaps.restore(mark, &output)
        guard leaf(bound.nodes[node].variable).equals(said.bytes) else { throw .boundElsewhere }
    }

    /// What the path gave this variable, with its tag.
    func leaf(_ variable: Int) -> UnsafeRawBufferPointer {
        let range = leafRanges[variable]
        return UnsafeRawBufferPointer(start: leaves.base + range.lowerBound, count: range.count)
    }

    @inline(__always)
    func tag(_ tag: UInt32) {
        output.reserve(10)
        output.advance(to: Varint.write(UInt64(tag), to: output.at))
    }

    @inline(__always)
    func varint(_ value: UInt64) {
        output.reserve(10)
        output.advance(to: Varint.write(value, to: output.at))
    }

    /// What was written, with every length in its place.
    func copyOutput(to target: inout Output) {
        target.reserve(output.count + gaps.extra)
        gaps.write(output, to: target.at)
        target.advance(to: target.at + output.count + gaps.extra)
    }
}

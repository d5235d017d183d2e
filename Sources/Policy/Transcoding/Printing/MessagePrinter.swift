internal import Protobuf

/// Turns protobuf into JSON, field by field as they come, in one pass and without a tree of them.
///
/// Fields come in order and together from every serializer there is. Where they do not (a repeated field in two places, a
/// message in two parts, two members of a oneof), what was written of that message is cut off, and it is written again by
/// `scattered`, which gathers first.
final class MessagePrinter {
    let schema: Schema
    let options: TranscodingOptions
    var output = Output()
    var trail: Trail
    var marks = FieldMarks()
    var pieces: [Piece] = []
    var entries: [MapEntry] = []
    var entryOrder: [Int] = []
    /// Bytes at the beginning of `output` that are no part of the body.
    var skipped = 0

    init(schema: Schema, options: TranscodingOptions) {
        self.schema = schema
        self.options = options
        trail = Trail(levelMax: options.depthMax)
    }

    func begin() {
        output.reset()
        skipped = 0
        trail.reset()
        marks.reset()
        pieces.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }

    /// A message as whatever JSON its type has.
    func value(of message: UnsafePointer<MessageSchema>, _ bytes: WireCursor) throws(Problem) {
        switch message.pointee.wellKnown {
        case .none, .empty, .httpBody: try object(message, bytes)
        case .any: try any(bytes)
        case .timestamp: try time(bytes, isTimestamp: true)
        case .duration: try time(bytes, isTimestamp: false)
        case .fieldMask: try fieldMask(bytes)
        case .structure: try structure(message, bytes)
        case .value: try dynamicValue(message, bytes)
        case .listValue: try list(message, bytes)
        case .wrapper: try wrapper(message, bytes)
        }
    }

    /// - Parameter type: what an `Any` says of the message, written as its first member.
    func object(
        _ message: UnsafePointer<MessageSchema>, _ bytes: WireCursor, type: UnsafeRawBufferPointer? = nil
    ) throws(Problem) {
        try trail.enter()
        output.byte(UInt8(ascii: "{"))
        if let type {
            output.append("\"@type\":")
            try StringText.write(type, isChecked: true, to: &output)
        }
        let start = output.count
        let fieldCount = message.pointee.fieldCount
        let place = marks.open(bits: fieldCount + message.pointee.oneofCount)
        if try !inOrder(message, bytes, place) {
            output.truncate(to: start)
            marks.close(place)
            _ = marks.open(bits: fieldCount + message.pointee.oneofCount)
            try scattered(message, bytes, place)
        }
        if options.printsDefaults { defaults(of: message, place) }
        marks.close(place)
        output.byte(UInt8(ascii: "}"))
        trail.leave()
    }

    /// `false`: a field came that was finished already.
    private func inOrder(
        _ message: UnsafePointer<MessageSchema>, _ bytes: WireCursor, _ place: Int
    ) throws(Problem) -> Bool {
        var cursor = bytes
        while !cursor.isAtEnd {
            let tag = try cursor.nextTag()
            guard let field = try known(tag, message, &cursor) else { continue }
            if marks.set(place, Int(field.pointee.index)) { return false }
            let oneof = field.pointee.oneof
            if oneof >= 0, marks.set(place, message.pointee.fieldCount + Int(oneof)) { return false }
            trail.at(field)
            switch field.pointee.shape {
            case .singular: try singular(field, &cursor)
            case .repeated: try array(field, tag, &cursor)
            case .map: try map(field, &cursor)
            }
        }
        return true
    }

    /// The field of a tag; `nil`, its value passed over, where it is unknown, of another wire type, or of a value that a
    /// closed enum does not have.
    @inline(__always)
    func known(
        _ tag: UInt32, _ message: UnsafePointer<MessageSchema>, _ cursor: inout WireCursor
    ) throws(Problem) -> UnsafePointer<FieldSchema>? {
        guard let field = message.pointee.field(number: tag >> 3), isReadable(tag, field) else {
            try cursor.pass(tag)
            return nil
        }
        if let enumeration = field.pointee.enumeration, !enumeration.pointee.isOpen, field.pointee.shape == .singular {
            var probe = cursor
            if enumeration.pointee.value(number: Int32(truncatingIfNeeded: try probe.nextVarint())) == nil {
                cursor = probe
                return nil
            }
        }
        return field
    }

    /// A repeated number may be packed or not, whatever the schema says.
    @inline(__always)
    func isReadable(_ tag: UInt32, _ field: UnsafePointer<FieldSchema>) -> Bool {
        tag == field.pointee.tag
            || tag == field.pointee.packedTag && field.pointee.shape == .repeated && field.pointee.kind.isPackable
    }

    // MARK: names

    /// A member's name, with the comma before it.
    @inline(__always)
    func key(_ field: UnsafePointer<FieldSchema>) {
        if output.at[-1] != UInt8(ascii: "{") { output.byte(UInt8(ascii: ",")) }
        if options.keepsProtoNames {
            output.append(field.pointee.protoKey, Int(field.pointee.protoKeyCount))
        } else {
            output.append(field.pointee.jsonKey, Int(field.pointee.jsonKeyCount))
        }
    }

    private func defaults(of message: UnsafePointer<MessageSchema>, _ place: Int) {
        for index in 0..<message.pointee.fieldCount where !marks.isSet(place, index) {
            let field = message.pointee.fields + index
            guard field.pointee.presence == .implicit, field.pointee.oneof < 0, !field.pointee.isExtension else { continue }
            key(field)
            switch field.pointee.shape {
            case .repeated: output.append("[]")
            case .map: output.append("{}")
            case .singular: defaultValue(of: field)
            }
        }
    }
}

/// Parts of a message that are a whole body.
extension MessagePrinter {
    /// The value of one field. Where it is not there: its default, and `null` for a message.
    func field(
        _ field: UnsafePointer<FieldSchema>, of message: UnsafePointer<MessageSchema>, _ bytes: WireCursor
    ) throws(Problem) {
        try trail.enter()
        trail.at(field)
        output.byte(UInt8(ascii: "{"))
        let first = pieces.count
        try gather(message, bytes, only: field)
        if pieces.count > first { try write(field, first..<pieces.count) }
        pieces.removeSubrange(first...)
        trail.leave()
        let prefix = 1 + Int(options.keepsProtoNames ? field.pointee.protoKeyCount : field.pointee.jsonKeyCount)
        if output.count > 1 {
            skipped = prefix
            return
        }
        skipped = 1
        switch field.pointee.shape {
        case .repeated: output.append("[]")
        case .map: output.append("{}")
        case .singular: if field.pointee.message == nil { defaultValue(of: field) } else { output.append("null") }
        }
    }

    /// The fields of a `google.api.HttpBody`, of which the last counts.
    static func httpBody(
        _ bytes: WireCursor
    ) throws(Problem) -> (contentType: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) {
        var cursor = bytes
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        var result = (contentType: nothing, data: nothing)
        while !cursor.isAtEnd {
            let tag = try cursor.nextTag()
            switch tag {
            case 0x0A: result.contentType = try cursor.nextBytes()
            case 0x12: result.data = try cursor.nextBytes()
            default: try cursor.pass(tag)
            }
        }
        return result
    }
}

extension MessagePrinter {
    /// The details of a `google.rpc.Status`, its field 3, as far as they can be read.
    func details(_ status: WireCursor) {
        var cursor = status
        var isFirst = true
        while !cursor.isAtEnd {
            guard let tag = try? cursor.nextTag() else { return }
            guard tag == 0x1A else {
                guard (try? cursor.pass(tag)) != nil else { return }
                continue
            }
            guard let detail = try? cursor.nextBytes() else { return }
            let start = output.count
            if !isFirst { output.byte(UInt8(ascii: ",")) }
            trail.reset()
            if (try? any(WireCursor(detail))) == nil { output.truncate(to: start) } else { isFirst = false }
        }
    }
}

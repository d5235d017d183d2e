internal import Protobuf

/// One occurrence of a field: its tag, and its value up to `end`.
struct Piece {
    var field: Int32
    var tag: UInt32
    var start: UnsafePointer<UInt8>
    var end: UnsafePointer<UInt8>
}

/// Messages whose fields come more than once or apart: gathered first, then written in the order of the schema.
extension MessagePrinter {
    func scattered(_ message: UnsafePointer<MessageSchema>, _ bytes: WireCursor, _ place: Int) throws(Problem) {
        let first = pieces.count
        try gather(message, bytes)
        dropLosers(message, from: first)
        // In one message a later piece lies higher in memory.
        pieces[first...].sort { $0.field == $1.field ? $0.start < $1.start : $0.field < $1.field }
        let last = pieces.count
        var index = first
        while index < last {
            let field = message.pointee.fields + Int(pieces[index].field)
            var next = index + 1
            while next < last, pieces[next].field == pieces[index].field { next += 1 }
            _ = marks.set(place, Int(field.pointee.index))
            trail.at(field)
            try write(field, index..<next)
            index = next
        }
        pieces.removeSubrange(first...)
    }

    func gather(
        _ message: UnsafePointer<MessageSchema>, _ bytes: WireCursor, only wanted: UnsafePointer<FieldSchema>? = nil
    ) throws(Problem) {
        var cursor = bytes
        while !cursor.isAtEnd {
            let tag = try cursor.nextTag()
            guard let field = try known(tag, message, &cursor) else { continue }
            let start = cursor.at
            try cursor.pass(tag)
            guard wanted == nil || wanted == field else { continue }
            pieces.append(Piece(field: field.pointee.index, tag: tag, start: start, end: cursor.at))
        }
    }

    /// Of a oneof the last member counts, and of that one what came after the last other member.
    private func dropLosers(_ message: UnsafePointer<MessageSchema>, from first: Int) {
        guard message.pointee.oneofCount > 0 else { return }
        var winner = [Int32](repeating: -1, count: message.pointee.oneofCount)
        var isClosed = [Bool](repeating: false, count: message.pointee.oneofCount)
        var kept: [Piece] = []
        for piece in pieces[first...].reversed() {
            let oneof = Int(message.pointee.fields[Int(piece.field)].oneof)
            if oneof >= 0 {
                if winner[oneof] < 0 { winner[oneof] = piece.field }
                if winner[oneof] != piece.field { isClosed[oneof] = true }
                if isClosed[oneof] { continue }
            }
            kept.append(piece)
        }
        pieces.replaceSubrange(first..., with: kept.reversed())
    }

    func write(_ field: UnsafePointer<FieldSchema>, _ range: Range<Int>) throws(Problem) {
        switch field.pointee.shape {
        case .singular:
            if field.pointee.message != nil, range.count > 1 { return try merged(field, range) }
            let piece = pieces[range.upperBound - 1]
            var cursor = WireCursor(at: piece.start, end: piece.end)
            try singular(field, &cursor)
        case .repeated:
            let start = output.count
            key(field)
            output.byte(UInt8(ascii: "["))
            var count = 0
            for index in range {
                let piece = pieces[index]
                var cursor = WireCursor(at: piece.start, end: piece.end)
                try elements(field, piece.tag, &cursor, &count)
            }
            endArray(field, start, count)
        case .map:
            let first = entries.count
            for index in range {
                var cursor = WireCursor(at: pieces[index].start, end: pieces[index].end)
                try collect(field, cursor.nextBytes())
            }
            key(field)
            try writeEntries(field, from: first)
        }
    }

    /// Parts of a message merge as if their bytes stood one after the other (Protocol Buffers, "Last One Wins").
    private func merged(_ field: UnsafePointer<FieldSchema>, _ range: Range<Int>) throws(Problem) {
        var whole = Output()
        for index in range {
            var cursor = WireCursor(at: pieces[index].start, end: pieces[index].end)
            whole.append(
                field.pointee.kind == .group ? try cursor.nextGroup(field.pointee.number) : try cursor.nextBytes())
        }
        key(field)
        try value(of: field.pointee.message!, WireCursor(whole.bytes))
    }
}

internal import Glibc
internal import Protobuf

/// Where the key and the value of a map's entry lie. Missing ones are their type's default.
struct MapEntry {
    var key: UnsafePointer<UInt8>?
    var keyCount = 0
    var value: UnsafePointer<UInt8>?
    let end: UnsafePointer<UInt8>
    /// A later entry has the same key, or its value is none of a closed enum.
    var isDropped = false
}

/// Repeated fields and maps.
extension MessagePrinter {
    /// All elements that follow each other; the tag of the first was just read.
    func array(_ field: UnsafePointer<FieldSchema>, _ first: UInt32, _ cursor: inout WireCursor) throws(Problem) {
        let start = output.count
        key(field)
        output.byte(UInt8(ascii: "["))
        var index = 0
        var tag = first
        while true {
            try elements(field, tag, &cursor, &index)
            guard let next = try another(field, &cursor) else { break }
            tag = next
        }
        endArray(field, start, index)
    }

    func endArray(_ field: UnsafePointer<FieldSchema>, _ start: Int, _ count: Int) {
        if count == 0, !options.printsDefaults { output.truncate(to: start) } else { output.byte(UInt8(ascii: "]")) }
    }

    /// The tag of the same field, if that is what follows.
    @inline(__always)
    private func another(_ field: UnsafePointer<FieldSchema>, _ cursor: inout WireCursor) throws(Problem) -> UInt32? {
        guard !cursor.isAtEnd else { return nil }
        var probe = cursor
        let tag = try probe.nextTag()
        guard isReadable(tag, field) else { return nil }
        cursor = probe
        return tag
    }

    /// One element, or several packed into one value.
    func elements(
        _ field: UnsafePointer<FieldSchema>, _ tag: UInt32, _ cursor: inout WireCursor, _ index: inout Int
    ) throws(Problem) {
        guard tag != field.pointee.tag else { return try element(field, &cursor, &index) }
        var packed = WireCursor(try cursor.nextBytes())
        while !packed.isAtEnd { try element(field, &packed, &index) }
    }

    @inline(__always)
    private func element(_ field: UnsafePointer<FieldSchema>, _ cursor: inout WireCursor, _ index: inout Int) throws(Problem) {
        if let enumeration = field.pointee.enumeration, !enumeration.pointee.isOpen {
            var probe = cursor
            if enumeration.pointee.value(number: Int32(truncatingIfNeeded: try probe.nextVarint())) == nil {
                cursor = probe
                return
            }
        }
        if index > 0 { output.byte(UInt8(ascii: ",")) }
        trail.at(index: index)
        index += 1
        _ = try value(field, &cursor)
    }

    // MARK: maps

    /// All entries that follow each other; the tag of the first was just read.
    func map(_ field: UnsafePointer<FieldSchema>, _ cursor: inout WireCursor) throws(Problem) {
        let first = entries.count
        repeat { try collect(field, cursor.nextBytes()) } while try another(field, &cursor) != nil
        key(field)
        try writeEntries(field, from: first)
    }

    func collect(_ field: UnsafePointer<FieldSchema>, _ bytes: UnsafeRawBufferPointer) throws(Problem) {
        let message = field.pointee.message!
        guard let key = message.pointee.field(number: 1), let value = message.pointee.field(number: 2) else { throw .unprintable }
        var cursor = WireCursor(bytes)
        var entry = MapEntry(end: cursor.end)
        while !cursor.isAtEnd {
            let tag = try cursor.nextTag()
            let start = cursor.at
            try cursor.pass(tag)
            if tag == key.pointee.tag {
                // A default that is written is the same key as one that is left out.
                let isDefault = UnsafeBufferPointer(start: start, count: cursor.at - start).allSatisfy { $0 == 0 }
                entry.key = isDefault ? nil : start
                entry.keyCount = isDefault ? 0 : cursor.at - start
            } else if tag == value.pointee.tag {
                entry.value = start
            }
        }
        if let enumeration = value.pointee.enumeration, !enumeration.pointee.isOpen, let start = entry.value {
            var probe = WireCursor(at: start, end: entry.end)
            entry.isDropped = enumeration.pointee.value(number: Int32(truncatingIfNeeded: try probe.nextVarint())) == nil
        }
        entries.append(entry)
    }

    /// The entries from `first` on, which are taken away, as an object. Of equal keys the last counts.
    func writeEntries(_ field: UnsafePointer<FieldSchema>, from first: Int) throws(Problem) {
        let message = field.pointee.message!
        guard let key = message.pointee.field(number: 1), let value = message.pointee.field(number: 2) else { throw .unprintable }
        dropRepeatedKeys(from: first)
        output.byte(UInt8(ascii: "{"))
        let last = entries.count
        for index in first..<last where !entries[index].isDropped {
            let entry = entries[index]
            if output.at[-1] != UInt8(ascii: "{") { output.byte(UInt8(ascii: ",")) }
            try writeKey(key, entry)
            output.byte(UInt8(ascii: ":"))
            if let start = entry.value {
                var cursor = WireCursor(at: start, end: entry.end)
                _ = try self.value(value, &cursor)
            } else if let message = value.pointee.message {
                try self.value(of: message, WireCursor(at: entry.end, end: entry.end))
            } else {
                defaultValue(of: value)
            }
        }
        entries.removeSubrange(first...)
        output.byte(UInt8(ascii: "}"))
    }

    private func writeKey(_ key: UnsafePointer<FieldSchema>, _ entry: MapEntry) throws(Problem) {
        let isText = key.pointee.kind == .string
        let start = output.count
        // 64-bit numbers bring their quotes along.
        let isQuoted = !isText && !Self.isWide(key.pointee.kind)
        if isQuoted { output.byte(UInt8(ascii: "\"")) }
        if let start = entry.key {
            var cursor = WireCursor(at: start, end: entry.end)
            _ = try value(key, &cursor)
        } else {
            defaultValue(of: key)
        }
        if isQuoted { output.byte(UInt8(ascii: "\"")) }
        if output.count - start > 2, let key = entry.key {
            trail.at(name: isText ? key + 1 : key, isText ? entry.keyCount - 1 : 0)
        }
    }

    private static func isWide(_ kind: FieldKind) -> Bool {
        switch kind {
        case .int64, .uint64, .fixed64, .sfixed64, .sint64: true
        default: false
        }
    }

    private func compare(_ left: Int, _ right: Int) -> Int32 {
        let (a, b) = (entries[left], entries[right])
        if a.keyCount != b.keyCount { return a.keyCount < b.keyCount ? -1 : 1 }
        guard let start = a.key, let other = b.key else { return 0 }
        return memcmp(start, other, a.keyCount)
    }

    /// Few entries, the usual case: each against each. Many: sorted.
    private func dropRepeatedKeys(from first: Int) {
        let count = entries.count - first
        if count <= 8 {
            guard count > 1 else { return }
            for later in (first + 1)..<entries.count {
                for earlier in first..<later where compare(earlier, later) == 0 { entries[earlier].isDropped = true }
            }
            return
        }
        entryOrder.removeAll(keepingCapacity: true)
        entryOrder.append(contentsOf: first..<entries.count)
        entryOrder.sort { left, right in
            let order = compare(left, right)
            return order == 0 ? left < right : order < 0
        }
        for place in 1..<count where compare(entryOrder[place - 1], entryOrder[place]) == 0 {
            entries[entryOrder[place - 1]].isDropped = true
        }
    }
}

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

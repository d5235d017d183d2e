extension JSONValue {
    /// Reads one JSON text, and nothing but it (RFC 8259).
    ///
    /// Strict beyond the grammar where leniency lets two readers disagree: invalid UTF-8, lone surrogates and duplicate
    /// members are refused, and so is a byte order mark.
    package static func parse(
        _ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .defaults
    ) throws(JSONFailure) -> JSONValue {
        guard bytes.count <= limits.bytesMax else { throw JSONFailure(reason: .tooLarge, offset: limits.bytesMax) }
        let text = UnsafeMutablePointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        UnsafeMutableRawBufferPointer(start: text, count: bytes.count).copyMemory(from: bytes)
        var reader = JSONReader(text: text, count: bytes.count, depthMax: limits.depthMax)
        do throws(JSONFailure) {
            try reader.readDocument()
        } catch {
            text.deallocate()
            throw error
        }
        return JSONValue(document: JSONDocument(owning: text, count: bytes.count, nodes: reader.nodes), index: 0)
    }

    package static func parse(_ text: String, limits: JSONLimits = .defaults) throws(JSONFailure) -> JSONValue {
        try Array(text.utf8).span.bytes.withUnsafeBytes { (bytes) throws(JSONFailure) in
            try parse(bytes, limits: limits)
        }
    }
}

/// Recursive descent over a copy of the text, in which escapes are undone in place: what they mean is never longer.
struct JSONReader {
    let text: UnsafeMutablePointer<UInt8>
    let count: Int
    let depthMax: Int
    var position = 0
    var nodes: [JSONNode] = []

    init(text: UnsafeMutablePointer<UInt8>, count: Int, depthMax: Int) {
        self.text = text
        self.count = count
        self.depthMax = depthMax
        nodes.reserveCapacity(count / 12 + 4)
    }

    mutating func readDocument() throws(JSONFailure) {
        try readValue(depth: 0)
        skipSpace()
        if position < count { throw failure(.trailingBytes) }
    }

    private func failure(_ reason: JSONFailure.Reason) -> JSONFailure { JSONFailure(reason: reason, offset: position) }

    private func failure(_ reason: JSONFailure.Reason, at offset: Int) -> JSONFailure {
        JSONFailure(reason: reason, offset: offset)
    }

    private mutating func skipSpace() {
        while position < count {
            switch text[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// The next byte that is no white space, not consumed.
    private mutating func peek() throws(JSONFailure) -> UInt8 {
        skipSpace()
        if position == count { throw failure(.endsTooEarly) }
        return text[position]
    }

    private mutating func add(_ kind: JSONValue.Kind, start: Int = 0, count: Int = 0, truth: Bool = false) {
        let next = UInt32(nodes.count + 1)
        nodes.append(JSONNode(start: UInt32(start), count: UInt32(count), end: next, kind: kind, truth: truth))
    }

    private mutating func readValue(depth: Int) throws(JSONFailure) {
        switch try peek() {
        case UInt8(ascii: "{"): try readObject(depth: depth + 1)
        case UInt8(ascii: "["): try readArray(depth: depth + 1)
        case UInt8(ascii: "\""): try readString()
        case UInt8(ascii: "t"): try readWord("true"); add(.boolean, truth: true)
        case UInt8(ascii: "f"): try readWord("false"); add(.boolean)
        case UInt8(ascii: "n"): try readWord("null"); add(.null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try readNumber()
        default: throw failure(.unexpectedByte)
        }
    }

    private mutating func readWord(_ word: StaticString) throws(JSONFailure) {
        for index in 0..<word.utf8CodeUnitCount {
            if position == count { throw failure(.endsTooEarly) }
            if text[position] != word.utf8Start[index] { throw failure(.unexpectedByte) }
            position += 1
        }
    }

    // MARK: containers

    private mutating func readArray(depth: Int) throws(JSONFailure) {
        if depth > depthMax { throw failure(.tooDeep) }
        let own = nodes.count
        add(.array)
        position += 1
        var elements = 0
        if try peek() == UInt8(ascii: "]") {
            position += 1
        } else {
            repeat {
                try readValue(depth: depth)
                elements += 1
            } while try anotherFollows(before: UInt8(ascii: "]"))
        }
        nodes[own].count = UInt32(elements)
        nodes[own].end = UInt32(nodes.count)
    }

    private mutating func readObject(depth: Int) throws(JSONFailure) {
        if depth > depthMax { throw failure(.tooDeep) }
        let own = nodes.count
        add(.object)
        position += 1
        var members = 0
        if try peek() == UInt8(ascii: "}") {
            position += 1
        } else {
            repeat {
                guard try peek() == UInt8(ascii: "\"") else { throw failure(.unexpectedByte) }
                try readString()
                guard try peek() == UInt8(ascii: ":") else { throw failure(.unexpectedByte) }
                position += 1
                try readValue(depth: depth)
                members += 1
            } while try anotherFollows(before: UInt8(ascii: "}"))
        }
        nodes[own].count = UInt32(members)
        nodes[own].end = UInt32(nodes.count)
        if members > 1 { try refuseDuplicates(in: own) }
    }

    /// Consumes a comma and says yes, or consumes the closing byte and says no.
    private mutating func anotherFollows(before close: UInt8) throws(JSONFailure) -> Bool {
        let byte = try peek()
        guard byte == UInt8(ascii: ",") || byte == close else { throw failure(.unexpectedByte) }
        position += 1
        return byte != close
    }

    /// Names are compared as they read with escapes undone, so `"a"` and `"\u0061"` are the same.
    private func refuseDuplicates(in object: Int) throws(JSONFailure) {
        var keys: [Int] = []
        keys.reserveCapacity(Int(nodes[object].count))
        var index = object + 1
        while index < Int(nodes[object].end) {
            keys.append(index)
            index = Int(nodes[index + 1].end)
        }
        // Few members, the usual case: each against each. Many: sorted, so that a hostile text costs no square.
        if keys.count <= 16 {
            for later in 1..<keys.count {
                for earlier in 0..<later where compareNames(keys[earlier], keys[later]) == 0 {
                    throw failure(.duplicateMember, at: Int(nodes[keys[later]].start))
                }
            }
            return
        }
        keys.sort { compareNames($0, $1) < 0 }
        for later in 1..<keys.count where compareNames(keys[later - 1], keys[later]) == 0 {
            throw failure(.duplicateMember, at: Int(max(nodes[keys[later]].start, nodes[keys[later - 1]].start)))
        }
    }

    /// By length, then by bytes: any total order will do.
    private func compareNames(_ left: Int, _ right: Int) -> Int {
        let (a, b) = (nodes[left], nodes[right])
        if a.count != b.count { return Int(a.count) - Int(b.count) }
        for offset in 0..<Int(a.count) {
            let difference = Int(text[Int(a.start) + offset]) - Int(text[Int(b.start) + offset])
            if difference != 0 { return difference }
        }
        return 0
    }

    // MARK: numbers

    private mutating func readNumber() throws(JSONFailure) {
        let start = position
        if text[position] == UInt8(ascii: "-") { position += 1 }
        if position < count, text[position] == UInt8(ascii: "0") {
            position += 1
        } else {
            try skipDigits()
        }
        if position < count, text[position] == UInt8(ascii: ".") {
            position += 1
            try skipDigits()
        }
        if position < count, text[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < count, text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-") {
                position += 1
            }
            try skipDigits()
        }
        // A digit here follows a leading zero.
        if position < count, isDigit(text[position]) { throw failure(.badNumber) }
        add(.number, start: start, count: position - start)
    }

    /// At least one.
    private mutating func skipDigits() throws(JSONFailure) {
        let start = position
        while position < count, isDigit(text[position]) { position += 1 }
        if position == start { throw failure(position == count ? .endsTooEarly : .badNumber) }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") <= 9 }

    // MARK: strings

    private mutating func readString() throws(JSONFailure) {
        position += 1
        let start = position
        // The common string: nothing to undo, nothing moved.
        while position < count, isPlain(text[position]) { position += 1 }
        var written = position
        while position < count {
            let byte = text[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return add(.string, start: start, count: written - start)
            } else if isPlain(byte) {
                text[written] = byte
                written += 1
                position += 1
            } else if byte == UInt8(ascii: "\\") {
                try undoEscape(writtenTo: &written)
            } else if byte < 0x20 {
                throw failure(.controlCharacter)
            } else {
                let length = UTF8Sequence.length(
                    at: UnsafeRawBufferPointer(start: text + position, count: count - position))
                if length == 0 { throw failure(.notUTF8) }
                for offset in 0..<length { text[written + offset] = text[position + offset] }
                written += length
                position += length
            }
        }
        throw failure(.endsTooEarly)
    }

    private func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func undoEscape(writtenTo written: inout Int) throws(JSONFailure) {
        if position + 1 >= count { throw failure(.endsTooEarly) }
        let plain: UInt8
        switch text[position + 1] {
        case UInt8(ascii: "\""): plain = 0x22
        case UInt8(ascii: "\\"): plain = 0x5C
        case UInt8(ascii: "/"): plain = 0x2F
        case UInt8(ascii: "b"): plain = 0x08
        case UInt8(ascii: "f"): plain = 0x0C
        case UInt8(ascii: "n"): plain = 0x0A
        case UInt8(ascii: "r"): plain = 0x0D
        case UInt8(ascii: "t"): plain = 0x09
        case UInt8(ascii: "u"): return try undoUnicodeEscape(writtenTo: &written)
        default: throw failure(.badEscape)
        }
        text[written] = plain
        written += 1
        position += 2
    }

    private mutating func undoUnicodeEscape(writtenTo written: inout Int) throws(JSONFailure) {
        let start = position
        var code = try hexQuad(at: position + 2)
        position += 6
        if code >= 0xD800, code <= 0xDFFF {
            guard code < 0xDC00, position + 1 < count, text[position] == UInt8(ascii: "\\"),
                text[position + 1] == UInt8(ascii: "u")
            else { throw failure(.loneSurrogate, at: start) }
            let low = try hexQuad(at: position + 2)
            guard low >= 0xDC00, low <= 0xDFFF else { throw failure(.loneSurrogate, at: start) }
            position += 6
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        // A scalar: the surrogates are gone, and two quads end at 10FFFF.
        for byte in Unicode.Scalar(code)!.utf8 {
            text[written] = byte
            written += 1
        }
    }

    private func hexQuad(at offset: Int) throws(JSONFailure) -> UInt32 {
        var code: UInt32 = 0
        for index in offset..<(offset + 4) {
            if index >= count { throw failure(.endsTooEarly, at: count) }
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): code = code << 4 | UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): code = code << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): code = code << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
            default: throw failure(.badEscape, at: index)
            }
        }
        return code
    }
}

/// Finds where the JSON values of a stream begin and end, however the bytes arrive: one after the other, as
/// newline-delimited JSON has them, or as the elements of one array.
///
/// It looks at brackets and quotes only: whether a value is one is for the encoder to see, which gets it whole.
struct ElementScanner {
    enum Event: Equatable {
        /// A value ends before `end`; it began at `start`, or in an earlier chunk where that is 0 and one was begun.
        case element(start: Int, end: Int)
        /// A value began at `start` and goes on in the next chunk.
        case unfinished(start: Int)
        /// No value is begun.
        case nothing
    }

    private enum Place { case start, beforeElement, afterComma, inElement, afterElement, end }
    private enum Shape { case nested, text, bare }

    private var isArray = false
    private var place = Place.start
    private var shape = Shape.bare
    private var depth = 0
    private var isInText = false
    private var isEscaped = false

    /// Where the next call goes on.
    private(set) var position = 0

    mutating func begin() { self = ElementScanner() }

    mutating func beginChunk() { position = 0 }

    /// The next value of the chunk.
    mutating func next(_ bytes: UnsafeRawBufferPointer) throws(Problem) -> Event {
        var start = 0
        while position < bytes.count {
            if place == .inElement {
                guard scan(bytes) else { return .unfinished(start: start) }
                place = .afterElement
                return .element(start: start, end: position)
            }
            let byte = bytes[position]
            if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1; continue }
            start = position
            try between(byte)
        }
        return place == .inElement ? .unfinished(start: start) : .nothing
    }

    /// A byte outside of values.
    private mutating func between(_ byte: UInt8) throws(Problem) {
        switch (place, byte) {
        case (.start, UInt8(ascii: "[")):
            isArray = true
            place = .beforeElement
            position += 1
        case (.beforeElement, UInt8(ascii: "]")) where isArray, (.afterElement, UInt8(ascii: "]")) where isArray:
            place = .end
            position += 1
        case (.afterElement, UInt8(ascii: ",")) where isArray:
            place = .afterComma
            position += 1
        case (.afterElement, _) where isArray, (.end, _): throw place == .end ? .trailingBytes : .unexpectedByte
        default: try beginElement(byte)
        }
    }

    private mutating func beginElement(_ byte: UInt8) throws(Problem) {
        place = .inElement
        depth = 0
        isInText = false
        isEscaped = false
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["): shape = .nested
        case UInt8(ascii: "\""): shape = .text
        case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ":"): throw .unexpectedByte
        default: shape = .bare
        }
    }

    /// Goes on in a value; whether it ends in this chunk.
    private mutating func scan(_ bytes: UnsafeRawBufferPointer) -> Bool {
        while position < bytes.count {
            let byte = bytes[position]
            if isInText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\"") {
                    isInText = false
                    position += 1
                    if depth == 0 { return true }
                    continue
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else {
                    let base = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
                    position += max(UTF8Text.plainPrefix(base + position, base + bytes.count), 1)
                    continue
                }
                position += 1
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInText = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if shape == .bare { return true }
                depth -= 1
                if depth == 0 {
                    position += 1
                    return true
                }
            case UInt8(ascii: ","), 0x20, 0x0A, 0x0D, 0x09:
                if shape == .bare { return true }
            default: break
            }
            position += 1
        }
        return false
    }

    /// The stream ends. `true`: a bare value that was begun ends with it.
    mutating func finish() throws(Problem) -> Bool {
        switch place {
        case .inElement where shape == .bare && !isArray:
            place = .afterElement
            return true
        case .inElement, .afterComma: throw .endsTooEarly
        case .start, .end: return false
        case .beforeElement, .afterElement:
            if isArray { throw .endsTooEarly }
            return false
        }
    }
}

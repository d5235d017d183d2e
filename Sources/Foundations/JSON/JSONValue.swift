internal import Bytes

/// One value of a parsed JSON text.
///
/// A handle: it keeps the whole text's tree alive, costs one reference count to copy, and is safe to share.
@usableFromInline package struct JSONValue: Sendable {
    @usableFromInline package enum Kind: UInt8, Sendable { case null, boolean, number, string, array, object }

    @usableFromInline let document: JSONDocument
    @usableFromInline let index: Int

    @usableFromInline init(document: JSONDocument, index: Int) {
        self.document = document
        self.index = index
    }

    @inlinable package var kind: Kind { document.nodes[index].kind }
    @inlinable package var isNull: Bool { kind == .null }

    /// `nil` for all but `true` and `false`.
    @inlinable package var boolean: Bool? { kind == .boolean ? document.nodes[index].truth : nil }

    /// Elements of an array, members of an object; zero for all else.
    @inlinable package var count: Int { kind == .array || kind == .object ? Int(document.nodes[index].count) : 0 }

    /// How much memory the whole tree takes, whichever of its values this is.
    package var approximateBytes: Int { document.textCount + document.nodeCount * MemoryLayout<JSONNode>.stride + 64 }

    // MARK: text

    /// Hands over a string's bytes with escapes undone, or a number as it was written; nothing for all other kinds.
    ///
    /// The bytes are valid only inside `body`.
    @inlinable package func withText<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withExtendedLifetime(document) {
            let node = document.nodes[index]
            guard node.kind == .string || node.kind == .number else {
                return body(UnsafeRawBufferPointer(start: nil, count: 0))
            }
            return body(UnsafeRawBufferPointer(start: document.text + Int(node.start), count: Int(node.count)))
        }
    }

    /// `nil` for all but strings.
    package var string: String? {
        kind == .string ? withText { String(decoding: $0, as: UTF8.self) } : nil
    }

    /// A number as it was written; `nil` for all but numbers.
    package var numberText: String? {
        kind == .number ? withText { String(decoding: $0, as: UTF8.self) } : nil
    }

    /// Whether this is a string of exactly these bytes.
    package func isString(_ text: UnsafeRawBufferPointer) -> Bool {
        kind == .string && withText { sameBytes($0, text) }
    }

    package func isString(_ text: StaticString) -> Bool {
        isString(BorrowedBytes(text))
    }

    // MARK: containers

    /// An object's member; `nil` where there is none, and for all that is no object.
    package func member(_ name: UnsafeRawBufferPointer) -> JSONValue? {
        guard kind == .object else { return nil }
        let end = Int(document.nodes[index].end)
        var key = index + 1
        while key < end {
            let node = document.nodes[key]
            if Int(node.count) == name.count,
                sameBytes(UnsafeRawBufferPointer(start: document.text + Int(node.start), count: name.count), name)
            {
                return JSONValue(document: document, index: key + 1)
            }
            key = Int(document.nodes[key + 1].end)
        }
        return nil
    }

    package subscript(name: StaticString) -> JSONValue? {
        member(BorrowedBytes(name))
    }

    package subscript(name name: String) -> JSONValue? {
        var name = name
        return name.withUTF8 { member(UnsafeRawBufferPointer($0)) }
    }

    /// An array's elements; none for all that is no array.
    package var elements: Elements {
        Elements(document: document, cursor: index + 1, end: kind == .array ? Int(document.nodes[index].end) : 0)
    }

    /// An object's members in the order written; none for all that is no object.
    package var members: Members {
        Members(document: document, cursor: index + 1, end: kind == .object ? Int(document.nodes[index].end) : 0)
    }

    package struct Elements: Sequence, IteratorProtocol {
        let document: JSONDocument
        var cursor: Int
        let end: Int

        package mutating func next() -> JSONValue? {
            guard cursor < end else { return nil }
            defer { cursor = Int(document.nodes[cursor].end) }
            return JSONValue(document: document, index: cursor)
        }
    }

    package struct Members: Sequence, IteratorProtocol {
        let document: JSONDocument
        var cursor: Int
        let end: Int

        /// The name is a string value.
        package mutating func next() -> (name: JSONValue, value: JSONValue)? {
            guard cursor < end else { return nil }
            let name = JSONValue(document: document, index: cursor)
            let value = JSONValue(document: document, index: cursor + 1)
            cursor = Int(document.nodes[cursor + 1].end)
            return (name, value)
        }
    }
}

func sameBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    for index in 0..<left.count where left[index] != right[index] { return false }
    return true
}

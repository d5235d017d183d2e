/// What all values of one parsed text share: its bytes with escapes undone, and one node a value, in document order.
///
/// Immutable, hence safe to share between threads.
@usableFromInline final class JSONDocument: @unchecked Sendable {
    @usableFromInline let text: UnsafePointer<UInt8>
    @usableFromInline let nodes: UnsafePointer<JSONNode>
    let textCount: Int
    let nodeCount: Int

    /// Takes over `text`, which was allocated.
    init(owning text: UnsafeMutablePointer<UInt8>, count: Int, nodes list: [JSONNode]) {
        let copy = UnsafeMutablePointer<JSONNode>.allocate(capacity: list.count)
        list.withUnsafeBufferPointer { copy.initialize(from: $0.baseAddress!, count: list.count) }
        self.text = UnsafePointer(text)
        nodes = UnsafePointer(copy)
        textCount = count
        nodeCount = list.count
    }

    deinit {
        text.deallocate()
        nodes.deallocate()
    }
}

/// One value: where its text lies, or how many children follow it.
@usableFromInline struct JSONNode {
    /// Where the text of a string or number begins.
    @usableFromInline var start: UInt32
    /// Bytes of a string's or number's text; elements of an array; members of an object.
    @usableFromInline var count: UInt32
    /// The node behind this one's last descendant. An object's children alternate between key and value.
    @usableFromInline var end: UInt32
    @usableFromInline var kind: JSONValue.Kind
    @usableFromInline var truth: Bool
}

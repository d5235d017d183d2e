package import Bytes

/// One reply or an element of one. Points into its reader: valid until the reader is asked for the next.
package struct RedisReply {
    package enum Kind: Equatable { case string, array, integer, null, status, error }

    unowned(unsafe) let arena: ReplyArena
    let index: Int

    package var kind: Kind { arena.nodes[index].kind }

    /// Of an integer; zero for anything else.
    package var integer: Untrusted<Int64> { arena.nodes[index].integer }

    /// Of a string, a status or an error; empty for anything else.
    package var bytes: UnsafeRawBufferPointer {
        let node = arena.nodes[index]
        return UnsafeRawBufferPointer(rebasing: arena.text.readable[node.textStart..<node.textStart + node.textCount])
    }

    /// Elements of an array, as the server announced them; zero for anything else.
    package var count: Untrusted<Int> { arena.nodes[index].count }

    package var first: RedisReply? { at(arena.nodes[index].first) }

    /// The element after this one in the same array.
    package var next: RedisReply? { at(arena.nodes[index].next) }

    private func at(_ index: Int) -> RedisReply? { index < 0 ? nil : RedisReply(arena: arena, index: index) }

    /// For errors and logs.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package func hasPrefix(_ prefix: StaticString) -> Bool {
        let bytes = bytes
        guard bytes.count >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount where bytes[index] != prefix.utf8Start[index] { return false }
        return true
    }
}

/// What hiredis's reader builds a reply from: a list of nodes and their text, both used again for the next reply.
final class ReplyArena {
    struct Node {
        var kind: RedisReply.Kind
        var integer = Untrusted<Int64>(0)
        var textStart = 0
        var textCount = 0
        var count = Untrusted<Int>(0)
        var first = -1
        var last = -1
        var next = -1
    }

    /// More in one reply is refused.
    static let nodesMax = 1024
    static let textBytesMax = 1 << 20

    let nodes = UnsafeMutablePointer<Node>.allocate(capacity: nodesMax)
    private(set) var nodeCount = 0
    var text = ByteBuffer(capacity: 1024)

    deinit { nodes.deallocate() }

    func removeAll() {
        nodeCount = 0
        text.removeAll()
        text.shrink(to: 64 << 10)
    }

    /// The new node's index; -1 if the reply has become too large.
    func add(_ node: Node, parent: Int) -> Int {
        guard nodeCount < Self.nodesMax, text.count <= Self.textBytesMax else { return -1 }
        let index = nodeCount
        (nodes + index).initialize(to: node)
        nodeCount += 1
        if parent >= 0 {
            if nodes[parent].last >= 0 { nodes[nodes[parent].last].next = index } else { nodes[parent].first = index }
            nodes[parent].last = index
        }
        return index
    }
}

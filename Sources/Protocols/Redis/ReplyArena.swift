internal import Bytes

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

    /// More in one reply is refused. A cluster's slots are the largest that is asked for.
    static let nodesMax = 1 << 16
    static let textBytesMax = 1 << 20
    private static let nodesKept = 128

    private(set) var nodes = UnsafeMutablePointer<Node>.allocate(capacity: nodesKept)
    private var capacity = nodesKept
    private(set) var nodeCount = 0
    var text = ByteBuffer(capacity: 1024)

    deinit { nodes.deallocate() }

    func removeAll() {
        if capacity > Self.nodesKept { resize(to: Self.nodesKept, keeping: 0) }
        nodeCount = 0
        text.removeAll()
        text.shrink(to: 64 << 10)
    }

    /// The new node's index; -1 if the reply has become too large.
    func add(_ node: Node, parent: Int) -> Int {
        guard nodeCount < Self.nodesMax, text.count <= Self.textBytesMax else { return -1 }
        if nodeCount == capacity { resize(to: capacity * 2, keeping: nodeCount) }
        let index = nodeCount
        (nodes + index).initialize(to: node)
        nodeCount += 1
        if parent >= 0 {
            if nodes[parent].last >= 0 { nodes[nodes[parent].last].next = index } else { nodes[parent].first = index }
            nodes[parent].last = index
        }
        return index
    }

    private func resize(to count: Int, keeping kept: Int) {
        let larger = UnsafeMutablePointer<Node>.allocate(capacity: count)
        larger.initialize(from: nodes, count: kept)
        nodes.deallocate()
        nodes = larger
        capacity = count
    }
}

internal import Protobuf

/// What of the request's fields other parts of it gave, so that the body cannot say otherwise.
///
/// A tree by fields, as rows: node 0 is the request message.
struct BoundTree: @unchecked Sendable {
    struct Node {
        var field: UnsafePointer<FieldSchema>?
        /// Where the value came from, for a leaf: the number of the variable. -1 for a message.
        var variable = -1
        var children: [Int] = []
    }

    var nodes = [Node()]

    var isEmpty: Bool { nodes.count == 1 }

    func child(_ node: Int, _ field: UnsafePointer<FieldSchema>) -> Int {
        for child in nodes[node].children where nodes[child].field == field { return child }
        return -1
    }

    /// The variable that binds this field, or -1.
    func variable(of fields: [UnsafePointer<FieldSchema>]) -> Int {
        var node = 0
        for field in fields {
            node = child(node, field)
            if node < 0 { return -1 }
        }
        return nodes[node].variable
    }
}

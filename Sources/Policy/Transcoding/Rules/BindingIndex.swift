internal import Bytes
internal import Glibc

/// Finds the binding of a path: a tree by segments, in which a literal goes before `*` and `*` before `**`.
///
/// A node is reached by one way only, so a path costs at most one visit a node, whatever it looks like.
final class BindingIndex: @unchecked Sendable {
    struct Leaf {
        var verb: [UInt8]
        /// `*` for any.
        var method: [UInt8]
        var binding: Int

        var takesAnyMethod: Bool { method == [UInt8(ascii: "*")] }
    }

    private struct Node {
        /// In the order of their bytes.
        var literals: [(text: [UInt8], node: Int)] = []
        var one = -1
        var rest = -1
        var leaves: [Leaf] = []
    }

    enum Outcome: Equatable {
        case found(binding: Int)
        case notFound
        /// Another HTTP method would be found.
        case otherMethod
    }

    private var nodes = [Node()]
    /// Verbs are looked for only where some rule has one.
    private var hasVerbs = false

    // MARK: building

    /// Returns the binding that has this place already, if one has. Then nothing is inserted, but where it may stand `beside`:
    /// that one is asked first.
    @discardableResult
    func insert(_ template: PathTemplate, method: String, binding: Int, beside: Bool = false) -> Int? {
        var node = 0
        for segment in template.segments { node = child(of: node, segment) }
        let leaf = Leaf(verb: template.verb, method: Array(method.utf8), binding: binding)
        let other = nodes[node].leaves.first { $0.verb == leaf.verb && $0.method == leaf.method }
        if let other, !beside { return other.binding }
        // One for any method comes after those for one.
        let place = leaf.takesAnyMethod ? nil : nodes[node].leaves.firstIndex { $0.takesAnyMethod }
        nodes[node].leaves.insert(leaf, at: place ?? nodes[node].leaves.count)
        if !leaf.verb.isEmpty { hasVerbs = true }
        return other?.binding
    }

    private func child(of node: Int, _ segment: PathTemplate.Segment) -> Int {
        switch segment {
        case .one:
            if nodes[node].one < 0 { nodes[node].one = add() }
            return nodes[node].one
        case .rest:
            if nodes[node].rest < 0 { nodes[node].rest = add() }
            return nodes[node].rest
        case .literal(let text):
            let list = nodes[node].literals
            let place = list.firstIndex { !$0.text.lexicographicallyPrecedes(text) } ?? list.count
            if place < list.count, list[place].text == text { return list[place].node }
            let new = add()
            nodes[node].literals.insert((text, new), at: place)
            return new
        }
    }

    private func add() -> Int {
        nodes.append(Node())
        return nodes.count - 1
    }

    // MARK: finding

    /// - Parameters:
    ///   - segments: where each segment of the path begins and ends; the last may end before a verb afterwards.
    ///   - accepts: whether a binding that fits may be the one.
    func find(
        method: UnsafeRawBufferPointer, _ path: UnsafeRawBufferPointer, _ segments: inout [Range<Int>], accepts: (Int) -> Bool
    ) -> Outcome {
        guard path.first == UInt8(ascii: "/") else { return .notFound }
        segments.removeAll(keepingCapacity: true)
        var start = 1
        for index in 1...path.count where index == path.count || path[index] == UInt8(ascii: "/") {
            segments.append(start..<index)
            start = index + 1
        }
        var search = Search(path: path, method: method)
        let last = segments[segments.count - 1]
        if hasVerbs, let colon = path[last].lastIndex(of: UInt8(ascii: ":")), colon + 1 < last.upperBound {
            search.verb = (colon + 1)..<last.upperBound
            segments[segments.count - 1] = last.lowerBound..<colon
            if let binding = walk(0, 0, segments, &search, accepts) { return .found(binding: binding) }
            segments[segments.count - 1] = last
            search.verb = 0..<0
        }
        if let binding = walk(0, 0, segments, &search, accepts) { return .found(binding: binding) }
        return search.otherMethodFits ? .otherMethod : .notFound
    }

    private struct Search {
        let path: UnsafeRawBufferPointer
        let method: UnsafeRawBufferPointer
        /// A rule for any method is not one for those that HTTP itself answers: `OPTIONS` is safe, and a browser sends it unasked
        /// (RFC 9110, section 9.2.1), so it runs nothing that does not name it.
        let isOfAnyMethod: Bool
        var verb = 0..<0
        var otherMethodFits = false
        /// Collects the methods of all that fit instead of stopping at one.
        var collects = false
        var methods: [[UInt8]] = []

        init(path: UnsafeRawBufferPointer, method: UnsafeRawBufferPointer) {
            self.path = path
            self.method = method
            isOfAnyMethod = !method.equals("OPTIONS") && !method.equals("TRACE") && !method.equals("CONNECT")
        }
    }

    private func walk(
        _ node: Int, _ place: Int, _ segments: [Range<Int>], _ search: inout Search, _ accepts: (Int) -> Bool
    ) -> Int? {
        guard place < segments.count else { return leaf(node, &search, accepts) ?? rest(node, &search, accepts) }
        let segment = UnsafeRawBufferPointer(rebasing: search.path[segments[place]])
        let next = literal(segment, of: node)
        if next >= 0, let found = walk(next, place + 1, segments, &search, accepts) { return found }
        let one = nodes[node].one
        if one >= 0, segment.count > 0, let found = walk(one, place + 1, segments, &search, accepts) { return found }
        return rest(node, &search, accepts)
    }

    private func rest(_ node: Int, _ search: inout Search, _ accepts: (Int) -> Bool) -> Int? {
        let rest = nodes[node].rest
        return rest < 0 ? nil : leaf(rest, &search, accepts)
    }

    private func leaf(_ node: Int, _ search: inout Search, _ accepts: (Int) -> Bool) -> Int? {
        let verb = UnsafeRawBufferPointer(rebasing: search.path[search.verb])
        for index in nodes[node].leaves.indices where Self.equal(nodes[node].leaves[index].verb, verb) {
            let binding = nodes[node].leaves[index].binding
            if search.collects {
                if accepts(binding) { search.methods.append(nodes[node].leaves[index].method) }
            } else if nodes[node].leaves[index].takesAnyMethod
                ? search.isOfAnyMethod : Self.equal(nodes[node].leaves[index].method, search.method)
            {
                if accepts(binding) { return binding }
            } else if !search.otherMethodFits, accepts(binding) {
                search.otherMethodFits = true
            }
        }
        return nil
    }

    private func literal(_ segment: UnsafeRawBufferPointer, of node: Int) -> Int {
        let literals = nodes[node].literals
        guard !literals.isEmpty else { return -1 }
        if segment.contains(UInt8(ascii: "%")) { return escapedLiteral(segment, literals) }
        var low = 0
        var high = literals.count
        while low < high {
            let middle = (low + high) / 2
            let order = Self.compare(literals[middle].text, segment)
            if order == 0 { return literals[middle].node }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return -1
    }

    /// Literals are compared by what they mean (RFC 3986, section 6.2.2.2).
    private func escapedLiteral(_ segment: UnsafeRawBufferPointer, _ literals: [(text: [UInt8], node: Int)]) -> Int {
        var plain = Output(capacity: 64)
        guard (try? PercentText.decode(segment, .all, into: &plain)) != nil else { return -1 }
        for literal in literals where Self.equal(literal.text, plain.bytes) { return literal.node }
        return -1
    }

    private static func equal(_ text: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Bool {
        text.withUnsafeBytes { $0.equals(bytes) }
    }

    private static func compare(_ text: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Int {
        text.withUnsafeBytes { text in
            let common = min(text.count, bytes.count)
            let order = common == 0 ? 0 : Int(memcmp(text.baseAddress!, bytes.baseAddress!, common))
            return order == 0 ? text.count - bytes.count : order
        }
    }

    /// The HTTP methods of the bindings that this path has and that are accepted.
    func methods(of path: UnsafeRawBufferPointer, accepts: (Int) -> Bool) -> Set<String> {
        guard path.first == UInt8(ascii: "/") else { return [] }
        var segments: [Range<Int>] = []
        var search = Search(path: path, method: UnsafeRawBufferPointer(start: nil, count: 0))
        search.collects = true
        var start = 1
        for index in 1...path.count where index == path.count || path[index] == UInt8(ascii: "/") {
            segments.append(start..<index)
            start = index + 1
        }
        _ = walk(0, 0, segments, &search, accepts)
        let last = segments[segments.count - 1]
        if let colon = path[last].lastIndex(of: UInt8(ascii: ":")) {
            search.verb = (colon + 1)..<last.upperBound
            segments[segments.count - 1] = last.lowerBound..<colon
            _ = walk(0, 0, segments, &search, accepts)
        }
        return Set(search.methods.map { String(decoding: $0, as: UTF8.self) })
    }
}

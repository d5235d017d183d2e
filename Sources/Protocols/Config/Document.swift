internal import Yams

/// Reads YAML text into a tree of nodes.
///
/// What YAML itself cannot take, or a key given twice, ends the reading. So do the parts of YAML that a configuration
/// has no use for: several documents, tags, keys that are not text, and aliases that multiply beyond measure.
struct Document {
    static let depthMax = 32
    static let nodesMax = 1_000_000

    private let file: String
    private let environment: (String) -> String?
    private var issues: [Issue] = []
    private var nodeCount = 0

    private init(file: String, environment: @escaping (String) -> String?) {
        self.file = file
        self.environment = environment
    }

    /// The root, or `nil` and what ended the reading. An empty text is an empty mapping.
    static func read(
        _ text: String, file: String, environment: @escaping (String) -> String?
    ) -> (root: Node?, issues: [Issue]) {
        var document = Document(file: file, environment: environment)
        let text = withoutByteOrderMark(text)
        do {
            guard let root = try Yams.compose(yaml: text, .basic, .default, .utf8) else {
                return (Node(.mapping([]), at: Place(file: file, line: 1, column: 1)), [])
            }
            let node = try document.convert(root, path: "", depth: 0)
            return (node, document.issues)
        } catch let stop as Stop {
            return (nil, [stop.issue])
        } catch {
            return (nil, [SyntaxMistake.issue(for: error, in: text, file: file)])
        }
    }

    /// Editors put one before a text; it is no part of it (YAML 1.2, section 5.2).
    private static func withoutByteOrderMark(_ text: String) -> String {
        guard text.unicodeScalars.first == "\u{FEFF}" else { return text }
        return String(text.unicodeScalars.dropFirst())
    }

    private struct Stop: Error {
        var issue: Issue
    }

    private mutating func convert(_ node: Yams.Node, path: String, depth: Int) throws -> Node {
        let place = Place(file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1, path: path)
        nodeCount += 1
        guard nodeCount <= Self.nodesMax else {
            throw Stop(issue: Issue(at: place, "found more than \(Self.nodesMax) values, aliases counted in full"))
        }
        guard depth <= Self.depthMax else {
            throw Stop(issue: Issue(at: place, "found more than \(Self.depthMax) levels of nesting"))
        }
        switch node {
        case .scalar(let scalar):
            try refuseTag(node.tag, .str, at: place)
            return Node(.scalar(read(scalar, at: place)), at: place)
        case .sequence(let elements):
            try refuseTag(node.tag, .seq, at: place)
            var converted: [Node] = []
            for (index, element) in elements.enumerated() {
                converted.append(try convert(element, path: place.path(of: index), depth: depth + 1))
            }
            return Node(.list(converted), at: place)
        case .mapping(let pairs):
            try refuseTag(node.tag, .map, at: place)
            return Node(.mapping(try entries(pairs, of: place, depth: depth)), at: place)
        case .alias:
            // The parser replaces aliases; only trees built by hand hold them.
            preconditionFailure("an alias was left in the tree")
        }
    }

    private mutating func entries(_ pairs: Yams.Node.Mapping, of place: Place, depth: Int) throws -> [Node.Entry] {
        var entries: [Node.Entry] = []
        var seen: Set<String> = []
        for (key, value) in pairs {
            let mark = key.mark
            var keyPlace = Place(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1, path: place.path)
            guard case .scalar(let scalar) = key else {
                // `[::1]:50051` and `*` bare end here where YAML can make a key of them.
                let kind = key.sequence != nil ? "a list" : "a mapping"
                throw Stop(
                    issue: Issue(at: keyPlace, "found \(kind) as a key, expected text; if it is meant as text, quote it"))
            }
            try refuseTag(key.tag, .str, at: keyPlace)
            guard scalar.string != "<<" || scalar.style != .plain else {
                throw Stop(
                    issue: Issue(
                        at: keyPlace,
                        "found a merge key (<<), which is no part of YAML 1.2; write the keys out, or let an alias stand for a whole value"
                    ))
            }
            keyPlace.path = place.path(of: scalar.string)
            guard seen.insert(scalar.string).inserted else {
                throw Stop(issue: Issue(at: keyPlace, "the key is given twice"))
            }
            entries.append(
                Node.Entry(
                    key: Located(scalar.string, at: keyPlace),
                    value: try convert(value, path: keyPlace.path, depth: depth + 1)))
        }
        return entries
    }

    private func refuseTag(_ tag: Tag, _ expected: Tag.Name, at place: Place) throws {
        guard tag.rawValue != expected.rawValue else { return }
        throw Stop(
            issue: Issue(
                at: place, "found the tag \(Quoted.text(tag.rawValue)), expected none; if it is meant as text, quote it"))
    }

    private mutating func read(_ scalar: Yams.Node.Scalar, at place: Place) -> Node.Scalar {
        let written = scalar.string
        let isQuoted = scalar.style != .plain
        do throws(Variables.Mistake) {
            var used: [Node.Variable] = []
            let text = try Variables.replace(in: written) { name in
                let value = environment(name)
                if let value { used.append(Node.Variable(name: name, value: value)) }
                return value
            }
            return Node.Scalar(text: text, written: written, isQuoted: isQuoted, isBroken: false, variables: used)
        } catch {
            let message =
                switch error {
                case .missing(let name): "the environment variable \(name) is not set"
                case .malformed:
                    "found \(Quoted.text(written)), expected ${NAME} for an environment variable, or $${ for ${ itself"
                }
            issues.append(Issue(at: place, message))
        }
        return Node.Scalar(text: written, written: written, isQuoted: isQuoted, isBroken: true)
    }
}

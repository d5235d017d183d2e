/// Where the parts of a configuration were written, kept beside it.
///
/// A configuration is a plain value that any source can make, and two are equal where they configure the same. Where it was written
/// matters only to messages: each is made with the path of the part that it is about, whose place is looked up here. A source
/// without a text has no places, and then messages name the path alone.
///
/// Made from the tree of a text once that is read, and smaller than the tree: one entry for each value, those of one
/// mapping or list beside each other.
package struct PlaceIndex: Sendable {
    fileprivate struct Entry: Sendable {
        /// Empty in a list.
        var key = ""
        var keyLine: Int32 = 0
        var keyColumn: Int32 = 0
        var line: Int32
        var column: Int32
        /// Of a scalar, as it is written.
        var text: String?
        var isList: Bool
        /// It could not be read, and the configuration does not have it.
        var isLeftOut: Bool
        var firstChild: Int32 = 0
        var childCount: Int32 = 0
    }

    private let file: String
    private let entries: [Entry]

    /// For a configuration that was not read from a text.
    package static let none = PlaceIndex()

    private init() {
        file = ""
        entries = []
    }

    /// - Parameter leftOut: the paths of elements that could not be read.
    init(_ root: Node, leftOut: Set<String>) {
        file = root.place.file
        var nodes = [root]
        var entries = [Entry(root, isLeftOut: false)]
        var next = 0
        while next < nodes.count {
            entries[next].firstChild = Int32(clamping: nodes.count)
            switch nodes[next].content {
            case .scalar: break
            case .mapping(let pairs):
                for pair in pairs {
                    nodes.append(pair.value)
                    var entry = Entry(pair.value, isLeftOut: false)
                    entry.key = pair.key.value
                    entry.keyLine = Int32(clamping: pair.key.place.line)
                    entry.keyColumn = Int32(clamping: pair.key.place.column)
                    entries.append(entry)
                }
            case .list(let elements):
                for element in elements {
                    nodes.append(element)
                    entries.append(Entry(element, isLeftOut: !leftOut.isEmpty && leftOut.contains(element.place.path)))
                }
            }
            entries[next].childCount = Int32(clamping: nodes.count) - entries[next].firstChild
            next += 1
        }
        self.entries = entries
    }

    // MARK: Lookup

    /// Where a part was written; where it is left out, the place of the nearest part around it.
    package func place(of path: ConfigurationPath) -> Place {
        guard !entries.isEmpty else { return Place(path: path.text) }
        return find(path).place
    }

    /// Whether a part was written, read or not; `false` of everything where there is no text.
    package func isWritten(_ path: ConfigurationPath) -> Bool { !entries.isEmpty && find(path).entry != nil }

    /// The text of a part, or of a key, as it is written.
    package func written(at path: ConfigurationPath) -> String? {
        guard !entries.isEmpty, let entry = find(path).entry else { return nil }
        return path.isKey ? entry.key : entry.text
    }

    /// The names that were written below a part, in order, whether or not what they name could be read; `nil` without a text.
    package func names(below path: ConfigurationPath) -> [String]? {
        guard !entries.isEmpty else { return nil }
        return find(path).entry.map { entry in entry.isList ? [] : children(of: entry).map { entries[$0].key } } ?? []
    }

    /// Whether elements of a list could not be read.
    package func isIncomplete(_ path: ConfigurationPath) -> Bool {
        guard !entries.isEmpty, let entry = find(path).entry else { return false }
        return children(of: entry).contains { entries[$0].isLeftOut }
    }

    private func children(of entry: Entry) -> Range<Int> {
        Int(entry.firstChild)..<Int(entry.firstChild + entry.childCount)
    }

    /// The entry, or the place that the path leads to as far as it was written.
    private func find(_ path: ConfigurationPath) -> (entry: Entry?, place: Place) {
        var entry = entries[0]
        var place = Place(file: file, line: Int(entry.line), column: Int(entry.column))
        for (number, step) in path.steps.enumerated() {
            let child: Int
            let text: String
            switch step {
            case .key(let key):
                guard let found = self.child(of: entry, key) else { return (nil, place) }
                child = found
                text = place.path(of: entries[child].key)
            case .element(let index):
                // One that stands alone is written without a list.
                guard entry.isList else { continue }
                guard let found = children(of: entry).lazy.filter({ !entries[$0].isLeftOut }).dropFirst(index).first else {
                    return (nil, place)
                }
                child = found
                text = place.path(of: child - Int(entry.firstChild))
            }
            entry = entries[child]
            place =
                path.isKey && number == path.steps.count - 1
                ? Place(file: file, line: Int(entry.keyLine), column: Int(entry.keyColumn), path: text)
                : Place(file: file, line: Int(entry.line), column: Int(entry.column), path: text)
        }
        return (entry, place)
    }

    /// Names of headers are in lower case in a configuration, and may be written otherwise.
    private func child(of entry: Entry, _ key: String) -> Int? {
        guard !entry.isList else { return nil }
        let children = children(of: entry)
        return children.first { entries[$0].key == key } ?? children.first { entries[$0].key.lowercased() == key }
    }
}

extension PlaceIndex.Entry {
    fileprivate init(_ node: Node, isLeftOut: Bool) {
        line = Int32(clamping: node.place.line)
        column = Int32(clamping: node.place.column)
        text = node.scalar?.written
        isList = node.elements != nil
        self.isLeftOut = isLeftOut
    }
}

extension ConfigurationPath {
    fileprivate var text: String {
        steps.reduce(into: Place(path: "")) { place, step in
            switch step {
            case .key(let key): place.path = place.path(of: key)
            case .element(let index): place.path = place.path(of: index)
            }
        }.path
    }
}

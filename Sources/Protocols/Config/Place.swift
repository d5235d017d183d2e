/// Where something stands in a configuration file, and its name there.
///
/// Line and column count from 1, columns in Unicode scalars. The path names the way from the root, as in
/// `routes[3].timeout`; it is empty at the root.
package struct Place: Sendable, Hashable {
    package var file: String
    package var line: Int
    package var column: Int
    package var path: String

    package init(file: String, line: Int, column: Int, path: String = "") {
        self.file = file
        self.line = line
        self.column = column
        self.path = path
    }

    /// Of a configuration that was read from no file.
    init(path: String) { self.init(file: "", line: 0, column: 0, path: path) }

    /// The path of `key` below this one; a key that would not read as one name is quoted, as in `clusters["a.b"]`.
    package func path(of key: String) -> String {
        let isName =
            !key.isEmpty
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    return true
                default: return false
                }
            }
        guard isName else { return "\(path)[\(Quoted.text(key))]" }
        return path.isEmpty ? key : "\(path).\(key)"
    }

    package func path(of index: Int) -> String { "\(path)[\(index)]" }
}

/// A value together with where it was written, for grammars that hold several against each other.
package struct Located<Value> {
    package var value: Value
    package var place: Place

    package init(_ value: Value, at place: Place) {
        self.value = value
        self.place = place
    }
}

extension Located: Sendable where Value: Sendable {}

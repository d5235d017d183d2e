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

/// Where its owner was written, for messages. It has no part in whether two owners are equal.
@propertyWrapper
package struct WrittenAt<Where: Sendable>: Sendable, Equatable {
    package var wrappedValue: Where

    package init(wrappedValue: Where) { self.wrappedValue = wrappedValue }

    package static func == (left: WrittenAt, right: WrittenAt) -> Bool { true }
}

/// A value together with where it was written, so that a later check can report that place.
///
/// Equal when the values are: where something stands does not change what it means.
package struct Located<Value> {
    package var value: Value
    package var place: Place

    package init(_ value: Value, at place: Place) {
        self.value = value
        self.place = place
    }
}

extension Located: Sendable where Value: Sendable {}

extension Located: Equatable where Value: Equatable {
    package static func == (left: Located, right: Located) -> Bool { left.value == right.value }
}

extension Located: Hashable where Value: Hashable {
    package func hash(into hasher: inout Hasher) { hasher.combine(value) }
}

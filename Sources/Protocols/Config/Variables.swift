/// Puts environment variables into text: `${NAME}` is replaced, `$${` stands for `${` itself.
///
/// Works on a scalar's text after YAML was read, so no value can add keys or break quoting.
enum Variables {
    enum Mistake: Error, Equatable {
        case missing(String)
        /// A `${` without a name of letters, digits and `_`, or without its `}`.
        case malformed
    }

    static func replace(in text: String, from environment: (String) -> String?) throws(Mistake) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                result += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                rest = rest.dropFirst(2)
                guard let end = rest.firstIndex(of: "}") else { throw .malformed }
                let name = String(rest[..<end])
                guard isName(name) else { throw .malformed }
                guard let value = environment(name) else { throw .missing(name) }
                result += value
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                return true
            default: return false
            }
        }
    }
}

/// A file of a module, as the rules about the shape of modules see it: without comments and texts, as words.
struct SourceText {
    /// The folders below the module's own, joined by `/`; empty for a file that stands in none.
    let folder: String
    let path: String
    private(set) var types: [TypeText] = []
    /// What its extensions extend, as written: `Grammar`, `RouteMatch.Target`.
    private(set) var extended: Set<String> = []
    /// Names that begin with a capital and do not stand behind a dot.
    private(set) var names: Set<String> = []

    /// A type that is declared at the outermost level, and not only for its file.
    struct TypeText {
        let name: String
        /// It has stored properties that change.
        var isMutable = false
    }

    init(_ file: Checkout.File) {
        path = file.path
        folder = file.folder
        var stripper = CommentStripper()
        var isInside = false
        for line in file.lines {
            let code = stripper.code(of: line)
            for word in Self.words(of: code) where word.isName { names.insert(word.text) }
            guard let first = code.utf8.first, first != UInt8(ascii: " ") else {
                if isInside, Self.storesMutably(code) { types[types.count - 1].isMutable = true }
                continue
            }
            isInside = false
            let words = Self.declaration(code)
            guard words.count > 1 else { continue }
            switch words[0] {
            case "class", "struct", "enum", "protocol", "actor":
                guard !code.hasPrefix("private"), !code.hasPrefix("fileprivate") else { continue }
                types.append(TypeText(name: String(words[1].prefix { $0.isLetter || $0.isNumber || $0 == "_" })))
                isInside = true
            case "extension":
                extended.insert(String(words[1].prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }))
            default: break
            }
        }
    }

    private static let modifiers: Set<Substring> = [
        "package", "public", "internal", "private", "fileprivate", "final", "indirect", "nonisolated", "lazy", "weak", "unowned",
        "unowned(unsafe)", "private(set)", "fileprivate(set)", "package(set)",
    ]

    /// A declaration's words, from its keyword on.
    private static func declaration(_ code: String) -> [Substring] {
        code.split(separator: " ").drop { $0.hasPrefix("@") || modifiers.contains($0) }.map { $0 }
    }

    /// A line that declares a stored property of the type around it.
    static func storesMutably(_ line: String) -> Bool {
        guard line.hasPrefix("    "), !line.hasPrefix("     ") else { return false }
        guard declaration(line).first == "var" else { return false }
        // What stands behind a brace is how it is calculated, unless a value comes before it or it is watched.
        guard let brace = line.firstIndex(of: "{") else { return true }
        return line[..<brace].contains("=") || line.contains("didSet") || line.contains("willSet")
    }

    private static func words(of code: String) -> [(text: String, isName: Bool)] {
        var found: [(String, Bool)] = []
        var start: String.UTF8View.Index?
        var behindDot = false, before: UInt8 = 0
        let utf8 = code.utf8
        for index in utf8.indices {
            let byte = utf8[index]
            let isWord = byte == 0x5F || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte >= 0x30 && byte <= 0x39
            if isWord, start == nil {
                start = index
                behindDot = before == UInt8(ascii: ".")
            } else if !isWord, let first = start {
                found.append((String(code[first..<index]), utf8[first] >= 0x41 && utf8[first] <= 0x5A && !behindDot))
                start = nil
            }
            before = byte
        }
        if let first = start { found.append((String(code[first...]), utf8[first] >= 0x41 && utf8[first] <= 0x5A && !behindDot)) }
        return found
    }
}

/// Takes comments and the contents of texts out of lines, one after the other.
struct CommentStripper {
    /// Within a text of several lines.
    private var isInText = false

    mutating func code(of line: String) -> String {
        if line.utf8.count >= 3, line.contains("\"\"\"") {
            // Where such a text begins or ends, nothing else of importance stands.
            isInText.toggle()
            return ""
        }
        if isInText { return "" }
        var code: [UInt8] = []
        var isQuoted = false, isEscaped = false
        for byte in line.utf8 {
            if isQuoted {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isQuoted = false
                }
                continue
            }
            if byte == UInt8(ascii: "\"") { isQuoted = true; continue }
            if byte == UInt8(ascii: "/"), code.last == UInt8(ascii: "/") {
                code.removeLast()
                break
            }
            code.append(byte)
        }
        return String(decoding: code, as: UTF8.self)
    }
}

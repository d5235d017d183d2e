import Foundation

/// What Package.swift declares: each target with its floor and what it may import.
///
/// Floors are the comments there, `// 6  policy` or `// 9  model: schemas`, above the targets that stand on them: the group that they are in,
/// and what is on this one. What tests share stands above
/// all of them, and tests above that.
struct Manifest {
    struct Target {
        var name: String
        var floor: Int
        var folder: String
        var dependencies: Set<String>

        var isForTests: Bool { floor >= Manifest.testing }
    }

    static let testing = 18
    static let tests = 19

    private(set) var targets: [String: Target] = [:]
    /// By floor, as its folder is called.
    private(set) var groups: [Int: String] = [:]

    /// Names that stand for packages of others, by the identifier used in Package.swift.
    static let products = ["yams": "Yams", "protobuf": "SwiftProtobuf", "arguments": "ArgumentParser"]

    init() throws { self.init(try Checkout.lines("Package.swift")) }

    init(_ lines: [String]) {
        var floor = 0
        var statement = ""
        for line in lines.map({ $0.trimmingCharacters(in: .whitespaces) }).drop(while: { $0 != "targets: [" }).dropFirst() {
            if line.hasPrefix("//") {
                let words = line.split(separator: " ")
                if words.count > 1 { floor = words[1] == "Tests:" ? Self.testing : Int(words[1]) ?? floor }
                if words.count > 2, Int(words[1]) == floor, floor < Self.testing {
                    let name = words[2].prefix { $0 != ":" }
                    groups[floor] = name.prefix(1).uppercased() + name.dropFirst()
                }
                continue
            }
            // A target may span lines; it is whole when its brackets are.
            statement += line
            guard
                statement.utf8.count(where: { $0 == UInt8(ascii: "(") }) == statement.utf8.count(where: { $0 == UInt8(ascii: ")") })
            else { continue }
            if let target = Self.target(statement, floor: floor) { targets[target.name] = target }
            statement = ""
        }
    }

    private static func target(_ statement: String, floor: Int) -> Target? {
        let quoted = statement.split(separator: "\"", omittingEmptySubsequences: false).map(String.init)
        guard quoted.count > 1 else { return nil }
        let name = quoted[1]
        let kind = statement.prefix { $0 != "(" }
        switch kind {
        case "tests":
            return Target(
                name: "\(name)Tests", floor: tests, folder: "Tests/\(name)Tests", dependencies: list(statement).union([name]))
        case ".testTarget":
            return Target(name: name, floor: tests, folder: "Tests/\(name)", dependencies: list(statement))
        case "module":
            let own = name.split(separator: "/").last.map(String.init) ?? name
            return Target(name: own, floor: floor, folder: "Sources/\(name)", dependencies: list(statement))
        case ".target" where floor > 0, ".executableTarget":
            let folder = floor >= testing ? "Tests/\(name)" : "Sources/\(name)"
            return Target(name: name, floor: floor, folder: folder, dependencies: list(statement))
        default:
            let path = statement.components(separatedBy: "path: \"").last?.prefix { $0 != "\"" }
            return Target(name: name, floor: floor, folder: path.map(String.init) ?? "", dependencies: [])
        }
    }

    /// What stands in the statement's first square brackets.
    private static func list(_ statement: String) -> Set<String> {
        let inside = statement.drop { $0 != "[" }.dropFirst().prefix { $0 != "]" }
        return Set(
            inside.split(separator: ",").compactMap { item in
                let word = item.trimmingCharacters(in: CharacterSet(charactersIn: " \""))
                return word.isEmpty ? nil : products[word] ?? word
            })
    }
}

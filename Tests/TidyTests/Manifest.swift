import Foundation

/// What Package.swift declares: each target with its floor and what it may import.
///
/// Floors are the comments there, `// 6  assemblies`, above the targets that stand on them.
struct Manifest {
    struct Target {
        var name: String
        var floor: Int
        var dependencies: Set<String>
    }

    var targets: [String: Target] = [:]

    /// Names that stand for packages of others, by the identifier used in Package.swift.
    static let products = ["yams": "Yams", "protobuf": "SwiftProtobuf", "arguments": "ArgumentParser"]

    init() throws {
        let text = try Checkout.text("Package.swift")
        guard let start = text.range(of: "targets: [") else { return }
        var floor = 0
        var statement = ""
        for line in text[start.upperBound...].split(separator: "\n") {
            let line = line.trimmingCharacters(in: .whitespaces)
            if let match = line.wholeMatch(of: /\/\/ (\d)  .*/) {
                floor = Int(match.1)!
                continue
            }
            if line.hasPrefix("//") { continue }
            // A target may span lines; it is whole when its brackets are.
            statement += line
            guard statement.filter({ $0 == "(" }).count == statement.filter({ $0 == ")" }).count else { continue }
            if let target = Self.target(statement, floor: floor) { targets[target.name] = target }
            statement = ""
        }
    }

    private static func target(_ statement: String, floor: Int) -> Target? {
        guard !statement.hasPrefix("tests("), !statement.hasPrefix(".testTarget(") else { return nil }
        guard let name = statement.firstMatch(of: /"(\w+)"/)?.1 else { return nil }
        guard statement.hasPrefix("module(") || statement.hasPrefix(".target(") || statement.hasPrefix(".executableTarget(")
        else { return Target(name: String(name), floor: floor, dependencies: []) }
        // Between the last pair of square brackets that holds names.
        var dependencies: Set<String> = []
        if let list = statement.firstMatch(of: /\[([^\]]*)\]/)?.1 {
            for item in list.split(separator: ",") {
                let word = item.trimmingCharacters(in: CharacterSet(charactersIn: " \""))
                if !word.isEmpty { dependencies.insert(products[word] ?? word) }
            }
        }
        return Target(name: String(name), floor: floor, dependencies: dependencies)
    }
}

import Testing

@Suite("House rules")
struct HouseRulesTests {
    static let linesMax = 450
    static let topLevel: Set<String> = [
        "Package.swift", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "Sources", "Tests", "Protos", "Deploy", "Scripts",
    ]

    @Test("the top level holds what it may and no more")
    func topLevelEntries() throws {
        for name in try Checkout.entries(of: ".") where !name.hasPrefix(".") {
            // The package manager's own.
            if name == "Package.resolved" || name.hasPrefix("LICENSE") || name.hasPrefix("LICENCE") { continue }
            #expect(Self.topLevel.contains(name), "\(name) has no place at the top level")
        }
    }

    @Test("no file is longer than 450 lines")
    func filesAreShort() {
        for file in Checkout.files where !file.isGenerated {
            #expect(file.lines.count <= Self.linesMax, "\(file.path) has \(file.lines.count) lines")
        }
    }

    /// What may be public, with the reason: a generic that is `package` stays unspecialized in other modules, whatever its attributes.
    static let publicFiles: [String: String] = [
        "Sources/Bytes/Borrowed.swift": "generic, and every call reaches its connections by it",
        "Sources/Bytes/Untrusted.swift": "generic, and converts every number that comes from outside, on the request path too"
    ]

    @Test("nothing is public but what is listed, and nothing is left to do")
    func noPublicNoLeftovers() {
        for file in Checkout.files where file.path.hasPrefix("Sources/") && file.path.hasSuffix(".swift") && !file.isGenerated {
            for (number, line) in file.lines.enumerated() {
                if Self.isPublic(line), Self.publicFiles[file.path] == nil {
                    Issue.record("\(file.path):\(number + 1): this is an application: package, not public")
                }
                if Self.isLeftover(line) { Issue.record("\(file.path):\(number + 1): \(line)") }
            }
        }
    }

    /// Declared for other packages; importing a module is no declaration.
    static func isPublic(_ line: String) -> Bool {
        guard line.utf8.first(where: { $0 != 0x20 }).map({ "@po".utf8.contains($0) }) == true else { return false }
        let words = line.split(separator: " ").drop { $0.hasPrefix("@") }
        guard words.count > 1, words.first == "public" || words.first == "open" else { return false }
        return !["import", "=", "."].contains(words.dropFirst().first)
    }

    /// Such words stand in comments only, and then behind a slash.
    static func isLeftover(_ line: String) -> Bool {
        guard let slash = line.utf8.firstIndex(of: UInt8(ascii: "/")) else { return false }
        return line[slash...].split { !$0.isLetter }.contains { $0 == "TODO" || $0 == "FIXME" }
    }

    @Test("rules are told from what looks like breaking them")
    func rulesAreTold() {
        #expect(Self.isPublic("    public func a() {}") && Self.isPublic("@inlinable public var b: Int") && Self.isPublic("open class C {"))
        #expect(!Self.isPublic("public import Synchronization") && !Self.isPublic("    open = true") && !Self.isPublic("package let p = 1"))
        #expect(Self.isLeftover("a() // TODO: more") && !Self.isLeftover("let TODO = 1") && !Self.isLeftover("// METHODOLOGY"))
    }

    @Test("no placeholder is left")
    func noPlaceholders() {
        for file in Checkout.files where file.path.hasSuffix("/Placeholder.swift") {
            Issue.record("\(file.path) is a placeholder")
        }
    }
}

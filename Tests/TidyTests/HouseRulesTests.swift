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
        "Sources/Foundations/Bytes/BackReference.swift": "generic, and every call reaches its worker by it",
        "Sources/Foundations/Bytes/Borrowed.swift": "generic, and every call reaches its connections by it",
        "Sources/Foundations/Bytes/Record.swift": "generic, and every access to a stream, a call or an attempt goes by it",
        "Sources/Foundations/Bytes/Untrusted.swift":
            "generic, and converts every number that comes from outside, on the request path too",
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
        #expect(
            Self.isPublic("    public func a() {}") && Self.isPublic("@inlinable public var b: Int")
                && Self.isPublic("open class C {"))
        #expect(
            !Self.isPublic("public import Synchronization") && !Self.isPublic("    open = true")
                && !Self.isPublic("package let p = 1"))
        #expect(Self.sleeps("    time.sleep(1)") && Self.sleeps("usleep(5)") && Self.sleeps("await Task.sleep(for: x)"))
        #expect(!Self.sleeps("/// It sleeps (never long)") && !Self.sleeps("exec sleep 1000") && !Self.sleeps("asleep"))
        #expect(Self.isLeftover("a() // TODO: more") && !Self.isLeftover("let TODO = 1") && !Self.isLeftover("// METHODOLOGY"))
    }

    /// Where tests may wait for time to pass: between two looks at what they wait for, which has a bound. And these words themselves.
    static let sleepingFiles: Set<String> = [
        "Tests/Scenarios/harness/waiting.py", "Tests/GRPCTesting/TestWorker.swift", "Tests/TidyTests/HouseRulesTests.swift",
    ]

    @Test("tests wait for events, and sleep nowhere else")
    func noSleeps() {
        for file in Checkout.files where file.path.hasPrefix("Tests/") && !Self.sleepingFiles.contains(file.path) {
            // Load generators sleep between what they send.
            guard !["Benchmarks/", "Faults/"].contains(where: { file.path.hasPrefix("Tests/\($0)") }) else { continue }
            for (number, line) in file.lines.enumerated() where Self.sleeps(line) {
                Issue.record("\(file.path):\(number + 1): wait for an event, not for time")
            }
        }
    }

    /// A call of `sleep`, `usleep`, `nanosleep` and the like, or of the command in a shell's text.
    static func sleeps(_ line: String) -> Bool {
        var rest = line[...]
        while let found = rest.firstRange(of: "sleep") {
            rest = rest[found.upperBound...]
            let isCommand = line[..<found.lowerBound].hasSuffix("/bin/")
            if isCommand || rest.first == "(" { return true }
        }
        return false
    }

    @Test("no placeholder is left")
    func noPlaceholders() {
        for file in Checkout.files where file.path.hasSuffix("/Placeholder.swift") {
            Issue.record("\(file.path) is a placeholder")
        }
    }
}

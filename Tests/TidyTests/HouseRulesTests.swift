import Foundation
import Testing

@Suite("House rules")
struct HouseRulesTests {
    static let linesMax = 450
    static let topLevel: Set<String> = [
        "Package.swift", "README.md", "ARCHITECTURE.md", "Sources", "Tests", "Protos", "Deploy", "Scripts",
    ]

    @Test("the top level holds what it may and no more")
    func topLevelEntries() throws {
        for name in try Checkout.entries(of: ".") where !name.hasPrefix(".") {
            // The package manager's own, which git ignores.
            if name == "Package.resolved" || name.hasPrefix("LICENSE") || name.hasPrefix("LICENCE") { continue }
            #expect(Self.topLevel.contains(name), "\(name) has no place at the top level")
        }
    }

    @Test("no file is longer than 450 lines")
    func filesAreShort() throws {
        for folder in ["Sources", "Tests", "Scripts"] {
            for file in Checkout.files(under: folder, endings: [".swift", ".c", ".h", ".py"]) {
                let lines = try Checkout.text(file).split(separator: "\n", omittingEmptySubsequences: false).count
                #expect(lines <= Self.linesMax, "\(file) has \(lines) lines")
            }
        }
    }

    @Test("nothing is public, and nothing is left to do")
    func noPublicNoLeftovers() throws {
        for file in Checkout.files(under: "Sources", endings: [".swift"]) {
            for (number, line) in try Checkout.text(file).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                let isPublic = line.firstMatch(of: /^\s*(?:@\w+\s+)*(?:public|open)\s+(?!import)\w/) != nil
                #expect(!isPublic, "\(file):\(number + 1): this is an application: package, not public")
                #expect(!line.contains("TODO") && !line.contains("FIXME"), "\(file):\(number + 1)")
            }
        }
    }

    @Test("no placeholder is left")
    func noPlaceholders() {
        for file in Checkout.files(under: "Sources", endings: ["/Placeholder.swift"]) {
            Issue.record("\(file) is a placeholder")
        }
    }
}

import Foundation
import Testing

/// README.md is what a newcomer reads; all else about using Martlet is in the handbook's pages.
@Suite("README and handbook")
struct HandbookTests {
    static let handbook = "Sources/martlet/Martlet.docc"
    static let readmeLinesMax = 200

    static func pages() throws -> [String] {
        try ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "Tests/Benchmarks/README.md"]
            + Checkout.entries(of: handbook).filter { $0.hasSuffix(".md") }.map { "\(handbook)/\($0)" }
    }

    @Test("README.md has at most 200 lines")
    func readmeIsShort() throws {
        let count = try Checkout.lines("README.md").count
        #expect(count <= Self.readmeLinesMax, "README.md has \(count) lines")
    }

    @Test("every relative link leads to a file that exists, and to a heading that it has")
    func linksLeadSomewhere() throws {
        for page in try Self.pages() {
            for target in Self.links(in: try Checkout.lines(page)) where !target.contains("://") {
                let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                let path = parts[0].isEmpty ? page : Self.resolved(parts[0], from: page)
                guard Checkout.exists(path) else {
                    Issue.record("\(page) links to \(target), which does not exist")
                    continue
                }
                if parts.count > 1 {
                    let anchors = try Checkout.lines(path).compactMap(Self.anchor)
                    #expect(anchors.contains(parts[1]), "\(page) links to \(target), and \(path) has no such heading")
                }
            }
        }
    }

    @Test("README and the handbook's first page link to every page")
    func pagesAreListed() throws {
        for index in ["README.md", "\(Self.handbook)/Martlet.md"] {
            let linked = Set(Self.links(in: try Checkout.lines(index)).map { Self.resolved($0, from: index) })
            for page in try Self.pages() where page.hasPrefix(Self.handbook) && page != index && !page.hasSuffix("/Martlet.md") {
                #expect(linked.contains(page), "\(index) does not link to \(page)")
            }
        }
    }

    /// Every `section.value("key", …)` of a grammar is a key of a configuration.
    @Test("the handbook names every key of a configuration, and every metric")
    func keysAndMetricsAreNamed() throws {
        let pages = try Checkout.entries(of: Self.handbook).filter { $0.hasSuffix(".md") }
        let words = Set(
            try pages.flatMap { try Checkout.lines("\(Self.handbook)/\($0)") }.flatMap { line in
                line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
            })
        for file in Checkout.files where file.path.hasPrefix("Sources/") && file.path.hasSuffix(".swift") && !file.isGenerated {
            for (number, line) in file.lines.enumerated() {
                for name in Self.documentedNames(in: line) where !words.contains(name) {
                    Issue.record("\(file.path):\(number + 1): the handbook does not name \(name)")
                }
            }
        }
    }

    /// The keys and metrics that a line of Swift defines.
    static func documentedNames(in line: String) -> [String] {
        var names: [String] = []
        for opening in [".value(\"", ".optional(\"", ".required(\"", "\"martlet_"] {
            guard let found = line.firstRange(of: opening) else { continue }
            let start = opening == "\"martlet_" ? line.index(after: found.lowerBound) : found.upperBound
            let name = line[start...].prefix { $0 != "\"" }
            guard name.allSatisfy({ $0.isLowercase || $0.isNumber || $0 == "_" }), !name.isEmpty else { continue }
            names.append(String(name))
        }
        return names
    }

    /// The targets of `[text](target)` and `![text](target)`, outside of code.
    static func links(in lines: [String]) -> [String] {
        var links: [String] = []
        var isCode = false
        for line in lines {
            if line.hasPrefix("```") { isCode.toggle() }
            if isCode { continue }
            let prose = line.split(separator: "`", omittingEmptySubsequences: false).enumerated().map {
                $0 % 2 == 0 ? String($1) : ""
            }
            var rest = prose.joined()[...]
            while let opening = rest.firstRange(of: "](") {
                rest = rest[opening.upperBound...]
                links.append(String(rest.prefix { $0 != ")" }))
            }
        }
        return links
    }

    /// As GitHub makes it of a heading's text: `## Every key` is `every-key`.
    static func anchor(_ line: String) -> String? {
        guard line.hasPrefix("#") else { return nil }
        let words = line.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces).lowercased()
        return String(words.filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) }.map { $0 == " " ? "-" : $0 })
    }

    private static func resolved(_ target: String, from page: String) -> String {
        var parts = page.split(separator: "/").dropLast().map(String.init)
        for part in target.split(separator: "/") {
            if part == ".." { _ = parts.popLast() } else if part != "." { parts.append(String(part)) }
        }
        return parts.joined(separator: "/")
    }

    @Test("links, headings, keys and metrics are told from other text")
    func namesAreTold() {
        let lines = ["[a](b.md) and ![c](d/e.svg), `[f](g)`", "```", "[h](i)", "```", "[`j`](k#l-m)"]
        #expect(Self.links(in: lines) == ["b.md", "d/e.svg", "k#l-m"])
        #expect(Self.anchor("## Every key") == "every-key" && Self.anchor("# gRPC-Web, Connect") == "grpc-web-connect")
        #expect(Self.documentedNames(in: "let idle = section.value(\"idle\", .timeout)") == ["idle"])
        #expect(Self.documentedNames(in: "perCluster(\"martlet_circuit_open\", \"Up.\")") == ["martlet_circuit_open"])
        #expect(Self.documentedNames(in: "json.value(\"A b\")").isEmpty)
        #expect(Self.anchor("text") == nil && Self.resolved("../a.md", from: "b/c/d.md") == "b/a.md")
    }
}

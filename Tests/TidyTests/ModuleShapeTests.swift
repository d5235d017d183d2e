import Testing

@Suite("The shape of modules")
struct ModuleShapeTests {
    static let linesMax = 6_000
    static let extendingFilesMax = 3

    /// The files of each module, as words.
    static let modules: [String: [SourceText]] = {
        var modules: [String: [SourceText]] = [:]
        for file in Checkout.files(of: "Sources") where file.path.hasSuffix(".swift") && !file.isGenerated {
            modules[file.module, default: []].append(SourceText(file))
        }
        return modules
    }()

    @Test("no module is longer than 6,000 lines")
    func modulesAreShort() {
        var lines: [String: Int] = [:]
        for file in Checkout.files(of: "Sources") where file.path.hasSuffix(".swift") && !file.isGenerated {
            lines[file.module, default: 0] += file.lines.count
        }
        for (module, count) in lines {
            #expect(count <= Self.linesMax, "\(module) has \(count) lines")
        }
    }

    @Test("the folders of a module do not refer to each other in a circle")
    func foldersHaveFloors() {
        for (module, files) in Self.modules {
            let circle = Self.circle(of: files)
            #expect(circle == [], "\(module): \(circle.sorted()) refer to each other's types in a circle")
        }
    }

    /// The folders that are in a circle, or between two.
    static func circle(of files: [SourceText]) -> Set<String> {
        var folders: [String: String] = [:]
        for file in files { for type in file.types { folders[type.name] = file.folder } }
        var edges: Set<[String]> = []
        for file in files {
            for name in file.names {
                if let other = folders[name], other != file.folder { edges.insert([file.folder, other]) }
            }
        }
        // What refers to nothing, or what nothing refers to, is taken away until no more can be.
        while true {
            let sources = Set(edges.map { $0[0] }), targets = Set(edges.map { $0[1] })
            let rest = edges.filter { targets.contains($0[0]) && sources.contains($0[1]) }
            if rest.count == edges.count { return sources }
            edges = rest
        }
    }

    @Test("a type with stored mutable state is extended in three other files at most")
    func typesStayTogether() {
        for (module, files) in Self.modules {
            for file in files {
                for type in file.types where type.isMutable {
                    let count = files.count { $0.path != file.path && $0.extended.contains(type.name) }
                    #expect(count <= Self.extendingFilesMax, "\(module).\(type.name) is extended in \(count) files")
                }
            }
        }
    }

    private static func text(_ path: String, _ lines: String...) -> SourceText {
        SourceText(Checkout.File(path: path, lines: lines, isGenerated: false))
    }

    @Test("circles are found by names in code, not in comments and texts, nor by members")
    func circlesAreFound() {
        let first = Self.text("Sources/G/M/A/One.swift", "package struct One {", "    let two: Two?", "}")
        #expect(
            Self.circle(of: [first, Self.text("Sources/G/M/B/Two.swift", "struct Two {}", "// One", "let a = \"One\" + b.One")])
                == []
        )
        #expect(Self.circle(of: [first, Self.text("Sources/G/M/B/Two.swift", "final class Two { var one: One? }")]) == ["A", "B"])
        #expect(
            Self.circle(of: [first, Self.text("Sources/G/M/Two.swift", "struct Two {", "  func f(_: [One]) {}", "}")]) == ["", "A"])
    }

    @Test(
        "stored properties that change are told from what looks like them",
        arguments: [
            ("    var a = 1", true), ("    private var b: Int?", true), ("    package private(set) var c: [Int] = []", true),
            ("    var d: Int { 1 }", false), ("    var e: Int {", false), ("    let f = 1", false), ("        var g = 1", false),
            ("    var h = 0 { didSet { i() } }", true), ("    func var() {", false), ("    static var j = 1", false),
        ])
    func statesAreTold(line: String, isMutable: Bool) { #expect(SourceText.storesMutably(line) == isMutable) }
}

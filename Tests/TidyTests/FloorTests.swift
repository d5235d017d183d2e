import Testing

@Suite("The floors of the house")
struct FloorTests {
    let manifest: Manifest

    init() throws { manifest = try Manifest() }

    /// Part of the toolchain, and without a floor.
    static let system: Set<String> = ["Swift", "Glibc", "Synchronization"]
    /// Foundation costs memory and start-up time, so it stays away from the request path.
    static let mayUseFoundation: Set<String> = ["Config", "Messages", "Demo", "martlet"]

    @Test("Package.swift is read as it is meant")
    func manifestIsRead() throws {
        let sources = manifest.targets.values.filter { !$0.isForTests }.map(\.folder)
        let folders = try Checkout.entries(of: "Sources").flatMap { group in
            group == "martlet" ? ["Sources/martlet"] : try Checkout.entries(of: "Sources/\(group)").map { "Sources/\(group)/\($0)" }
        }
        #expect(Set(sources) == Set(folders), "every folder in a group of Sources is a target")
        // Scenarios, the fault run and benchmarks are Python's.
        let tests = manifest.targets.values.filter(\.isForTests).map(\.name) + ["Scenarios", "Faults", "Benchmarks"]
        #expect(try Set(tests) == Set(Checkout.entries(of: "Tests").filter { $0.first!.isLetter }), "every folder of Tests is one")
        #expect(manifest.targets["Bytes"]?.floor == 1)
        #expect(manifest.targets["Config"]?.dependencies == ["Bytes", "Net", "Yams"])
        #expect(manifest.targets["martlet"]?.floor == 17)
        #expect(manifest.targets["TLSTesting"]?.dependencies == ["COpenSSL"])
        #expect(manifest.targets["JSONTests"]?.dependencies == ["JSON", "Bytes", "Random", "BytesTesting"])
    }

    @Test("a module stands in the group of its floor, of which there are ten at most, each of floors in a row")
    func groupsAreFloors() throws {
        for target in manifest.targets.values where !target.isForTests && target.name != "martlet" {
            let group = manifest.groups[target.floor] ?? "none"
            #expect(target.folder == "Sources/\(group)/\(target.name)", "\(target.name) stands on a floor of \(group)")
        }
        let order = manifest.groups.sorted { $0.key < $1.key }.map(\.value)
        let runs = order.enumerated().filter { $0.offset == 0 || order[$0.offset - 1] != $0.element }.map(\.element)
        #expect(runs.count == Set(order).count, "the floors of a group follow each other: \(runs)")
        // Beside those of the C libraries and of the executable.
        #expect(runs.count - 2 <= 10)
    }

    @Test("targets are found however they are laid out")
    func targetForms() {
        let manifest = Manifest([
            "let package = Package(", "  targets: [", "    // 0  C",
            "    .systemLibrary(name: \"CX\", path: \"Sources/C/CX\", providers: [.apt([\"libx\"])]),",
            "    // 2  foundations: bytes", "    module(", "      \"Foundations/A\",", "      [", "        \"CX\", yams,",
            "      ]),",
            "    module(\"Foundations/B\"),",
            "    // Tests: what is shared", "    .target(name: \"Shared\", path: \"Tests/Shared\"),", "    tests(\"A\", [\"B\"]),",
            "  ]", ")",
        ])
        #expect(Set(manifest.targets.keys) == ["CX", "A", "B", "Shared", "ATests"])
        #expect(manifest.targets["A"]?.dependencies == ["CX", "Yams"])
        #expect(manifest.targets["A"]?.floor == 2)
        #expect(manifest.targets["CX"]?.dependencies == [] && manifest.targets["CX"]?.folder == "Sources/C/CX")
        #expect(manifest.targets["A"]?.folder == "Sources/Foundations/A" && manifest.groups == [0: "C", 2: "Foundations"])
        #expect(manifest.targets["Shared"]?.folder == "Tests/Shared")
        #expect(manifest.targets["ATests"]?.dependencies == ["A", "B"])
    }

    @Test("a target depends on lower floors only, never sideways")
    func dependenciesPointDown() {
        for target in manifest.targets.values {
            for name in target.dependencies {
                guard let other = manifest.targets[name] else {
                    #expect(Manifest.products.values.contains(name), "\(target.name) depends on \(name), which is no target")
                    continue
                }
                #expect(
                    other.floor < target.floor,
                    "\(target.name) (floor \(target.floor)) depends on \(name) (floor \(other.floor))")
            }
        }
    }

    @Test("a target declares what its files import, all of it and no more")
    func importsAreDeclared() {
        for target in manifest.targets.values {
            var imported: Set<String> = []
            for file in Checkout.files(of: target.folder) where file.path.hasSuffix(".swift") {
                for name in Self.imports(of: file.lines) where name != target.name {
                    imported.insert(name)
                    let isGiven =
                        if name.hasPrefix("Foundation") {
                            target.isForTests || Self.mayUseFoundation.contains(target.name)
                        } else {
                            target.dependencies.contains(name) || Self.system.contains(name)
                                || target.isForTests && name == "Testing"
                        }
                    #expect(
                        isGiven,
                        "\(file.path) imports \(name), which \(target.name) may not, or which Package.swift does not give it")
                }
            }
            let unused = target.dependencies.subtracting(imported)
            #expect(unused.isEmpty, "\(target.name) declares \(unused.sorted()), which no file of it imports")
        }
    }

    private static let beforeImport: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
    private static let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]

    static func imports(of lines: [String]) -> Set<String> {
        var names: Set<String> = []
        // An import begins its line, with one of these.
        for line in lines where line.utf8.first.map({ "@fip".utf8.contains($0) }) == true {
            var words = line.split(separator: " ")[...].drop { $0.hasPrefix("@") || beforeImport.contains($0) }
            guard words.first == "import" else { continue }
            words = words.dropFirst().drop { kinds.contains($0) }
            if let name = words.first { names.insert(String(name.prefix { $0 != "." })) }
        }
        return names
    }

    @Test(
        "imports are found however they are written",
        arguments: [
            ("import Bytes", "Bytes"), ("package import HTTPModel", "HTTPModel"), ("@testable import TLS", "TLS"),
            ("@preconcurrency internal import Glibc", "Glibc"), ("import struct Foundation.URL", "Foundation"),
            ("@_spi(Inside) package import Time", "Time"), ("fileprivate import  JSON // why", "JSON"),
        ])
    func importForms(line: String, name: String) {
        #expect(Self.imports(of: ["let a = 1", line, "// import Nothing", "important(1)"]) == [name])
    }
}

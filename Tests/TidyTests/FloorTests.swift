import Foundation
import Testing

@Suite("The floors of the house")
struct FloorTests {
    let manifest: Manifest

    init() throws { manifest = try Manifest() }

    /// Part of the toolchain, and without a floor.
    static let system: Set<String> = ["Swift", "Glibc", "Synchronization"]
    /// Foundation costs memory and start-up time, so it stays away from the request path.
    static let mayUseFoundation: Set<String> = ["Config", "Messages", "martlet"]

    @Test("Package.swift is read as it is meant")
    func manifestIsRead() throws {
        let folders = try Checkout.entries(of: "Sources")
        #expect(Set(manifest.targets.keys) == Set(folders), "every folder of Sources is a target")
        #expect(manifest.targets["Bytes"]?.floor == 1)
        #expect(manifest.targets["Config"]?.dependencies.contains("Yams") == true)
        #expect(manifest.targets["martlet"]?.floor == 9)
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

    @Test("a file imports only what its target declares, and Foundation only where it may")
    func importsAreDeclared() throws {
        for target in manifest.targets.values {
            for file in Checkout.files(under: "Sources/\(target.name)", endings: [".swift"]) {
                for name in Self.imports(of: try Checkout.text(file)) where name != target.name {
                    if name.hasPrefix("Foundation") {
                        #expect(Self.mayUseFoundation.contains(target.name), "\(file) imports \(name)")
                    } else {
                        #expect(
                            target.dependencies.contains(name) || Self.system.contains(name),
                            "\(file) imports \(name), which Package.swift does not give \(target.name)")
                    }
                }
            }
        }
    }

    @Test("a dependency that no file imports is not declared")
    func dependenciesAreUsed() throws {
        for target in manifest.targets.values where !target.dependencies.isEmpty {
            let files = Checkout.files(under: "Sources/\(target.name)", endings: [".swift"])
            if files.isEmpty { continue }
            // Generated files import too.
            let generated = try? Checkout.entries(of: "Sources/\(target.name)/Generated").map { "Sources/\(target.name)/Generated/\($0)" }
            var imported: Set<String> = []
            for file in files + (generated ?? []) { imported.formUnion(Self.imports(of: try Checkout.text(file))) }
            let unused = target.dependencies.subtracting(imported)
            #expect(unused.isEmpty, "\(target.name) declares \(unused.sorted()) and imports none of it")
        }
    }

    static func imports(of text: String) -> Set<String> {
        var names: Set<String> = []
        for line in text.split(separator: "\n") {
            let pattern =
                /^(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)/
            if let match = line.firstMatch(of: pattern) { names.insert(String(match.1)) }
        }
        return names
    }

    @Test("imports are found however they are written", arguments: [
        ("import Bytes", "Bytes"), ("package import HTTPModel", "HTTPModel"), ("@testable import TLS", "TLS"),
        ("@preconcurrency internal import Glibc", "Glibc"), ("import struct Foundation.URL", "Foundation"),
        ("@_spi(Inside) package import Time", "Time"),
    ])
    func importForms(line: String, name: String) {
        #expect(Self.imports(of: "let a = 1\n\(line)\n// import Nothing\n") == [name])
    }
}

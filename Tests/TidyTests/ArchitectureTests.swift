import Foundation
import Testing

@Suite("ARCHITECTURE.md")
struct ArchitectureTests {
    @Test("every room it names exists")
    func roomsExist() throws {
        for name in Self.rooms(in: try Checkout.text("ARCHITECTURE.md")) {
            let name = name.hasSuffix("/") ? String(name.dropLast()) : name
            let places = [name, "Sources/\(name)", "Sources/\(name).swift", "Tests/\(name)", "Tests/\(name).swift"]
            #expect(places.contains { Checkout.exists($0) }, "ARCHITECTURE.md names `\(name)`, which does not exist")
        }
    }

    @Test("it names every module")
    func modulesAreNamed() throws {
        let text = try Checkout.text("ARCHITECTURE.md")
        for name in try Manifest().targets.keys {
            #expect(text.contains(try Regex("\\b\(name)\\b")), "ARCHITECTURE.md says nothing of \(name)")
        }
    }

    /// The words between backticks that are paths: a file, or a folder and something in it.
    ///
    /// Ours begin with a capital or a dot; `application/grpc` and `/metrics` do not, and `HTTP/2` is no folder.
    static func rooms(in text: String) -> Set<String> {
        var rooms: Set<String> = []
        for match in text.matches(of: /`([^`\n]+)`/) {
            let word = String(match.1)
            let isPath = word.wholeMatch(of: /[A-Z.][\w.+-]*(?:\/[A-Za-z_.][\w.+-]*)+\/?/) != nil
            let isFile = word.wholeMatch(of: /[\w.+-]+\.(?:swift|proto|py)/) != nil
            if isPath { rooms.insert(word) }
            // A file without its folder is looked for everywhere below.
            if isFile, !isPath, !Self.isSomewhere(word) { rooms.insert(word) }
        }
        return rooms
    }

    private static func isSomewhere(_ name: String) -> Bool {
        ["Sources", "Tests", "Scripts", "Protos"].contains { folder in
            Checkout.files(under: folder, endings: ["/\(name)"]).isEmpty == false
        } || Checkout.exists(name)
    }

    @Test("rooms are told from other words")
    func roomsAreTold() {
        let text = "`Reactor/EventLoop`, `Gateway/Filters/`, `application/grpc`, `/metrics`, `HTTP/2`, `Nowhere.swift`, `.ci/run`, `a.b`"
        #expect(Self.rooms(in: text) == ["Reactor/EventLoop", "Gateway/Filters/", "Nowhere.swift", ".ci/run"])
    }
}

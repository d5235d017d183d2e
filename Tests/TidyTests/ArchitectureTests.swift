import Foundation
import Testing

@Suite("ARCHITECTURE.md")
struct ArchitectureTests {
    let lines: [String]

    init() throws { lines = try Checkout.lines("ARCHITECTURE.md") }

    @Test("every room it names exists")
    func roomsExist() {
        for room in Self.rooms(in: lines) {
            let name = room.hasSuffix("/") ? String(room.dropLast()) : room
            let places = [name, "Sources/\(name)", "Sources/\(name).swift", "Tests/\(name)", "Tests/\(name).swift"]
            // A file without its folder may be anywhere.
            let exists =
                name.contains("/")
                ? places.contains(where: Checkout.exists)
                : Checkout.exists(name) || Checkout.files.contains { $0.path.hasSuffix("/\(name)") }
            #expect(exists, "ARCHITECTURE.md names `\(room)`, which does not exist")
        }
    }

    @Test("a plain call passes at most twenty files")
    func plainCallIsShort() throws {
        let start = try #require(lines.firstIndex(of: "## The way of a request"))
        let end = try #require(lines[start...].firstIndex { $0.hasPrefix("### ") })
        let files = Set(Self.rooms(in: Array(lines[start..<end])).filter { $0.hasSuffix(".swift") })
        #expect(files.count > 10 && files.count <= 20)
    }

    @Test("it names every module, and everything that tests share")
    func modulesAreNamed() throws {
        let words = Set(lines.flatMap { $0.split { !($0.isLetter || $0.isNumber) } }.map(String.init))
        for target in try Manifest().targets.values where target.floor < Manifest.tests {
            if !words.contains(target.name) { Issue.record("ARCHITECTURE.md says nothing of \(target.name)") }
        }
    }

    /// The words between backticks that are paths: a file, or a folder and something in it.
    ///
    /// Ours begin with a capital or a dot; `application/grpc` and `/metrics` do not, and `HTTP/2` is no folder.
    static func rooms(in lines: [String]) -> Set<String> {
        var rooms: Set<String> = []
        for line in lines {
            for (index, word) in line.split(separator: "`", omittingEmptySubsequences: false).enumerated() where index % 2 == 1 {
                if isPath(word) || isFile(word) { rooms.insert(String(word)) }
            }
        }
        return rooms
    }

    private static func isPath(_ word: Substring) -> Bool {
        let parts = (word.hasSuffix("/") ? word.dropLast() : word).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 1 || word.hasSuffix("/"), parts[0].first.map({ $0.isUppercase || $0 == "." }) == true else {
            return false
        }
        return parts.allSatisfy(isName) && parts.dropFirst().allSatisfy { !$0.first!.isNumber }
    }

    private static func isFile(_ word: Substring) -> Bool {
        isName(word) && [".swift", ".proto", ".py"].contains { word.hasSuffix($0) }
    }

    private static func isName(_ part: Substring) -> Bool {
        !part.isEmpty && part.allSatisfy { $0.isLetter || $0.isNumber || "_.+-".contains($0) }
    }

    @Test("rooms are told from other words")
    func roomsAreTold() {
        let line =
            "`Reactor/EventLoop`, `Gateway/Filters/`, `Tests/`, `application/grpc`, `/metrics`, `HTTP/2`, `Nowhere.swift`, `.ci/run`, `a.b`, `A/ b`"
        #expect(Self.rooms(in: [line]) == ["Reactor/EventLoop", "Gateway/Filters/", "Tests/", "Nowhere.swift", ".ci/run"])
    }
}

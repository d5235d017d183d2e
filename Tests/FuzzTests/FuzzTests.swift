import FuzzEntries
import Testing

/// The same entries run against the optimized build: `Scripts/test fuzz`.
@Suite("Any number may come from outside")
struct FuzzTests {
    @Test("no number ends the process", arguments: FuzzEntry.all.map(\.name))
    func entries(name: String) throws {
        try #require(FuzzEntry.all.first { $0.name == name }).runAll()
    }

    @Test("every entry has a name of its own")
    func names() { #expect(Set(FuzzEntry.all.map(\.name)).count == FuzzEntry.all.count) }
}

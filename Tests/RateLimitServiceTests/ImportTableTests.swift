import Testing

@testable import RateLimitService

struct ImportTableTests {
    @Test("the table names each variable once, with its key or none, marks those that are set and shows no value")
    func table() {
        let names = ImportTable.rows.flatMap(\.variables)
        #expect(Set(names).count == names.count)
        let lines = ImportTable.text { $0 == "REDIS_AUTH" }.split(separator: "\n").map(String.init)
        #expect(lines.count == names.count + 1)
        let auth = lines.first { $0.hasPrefix("REDIS_AUTH") }
        #expect(auth?.hasPrefix("REDIS_AUTH (set) ") == true && auth?.contains("stores.NAME ") == true)
        let memcache = lines.first { $0.hasPrefix("MEMCACHE_*") }
        #expect(memcache?.contains(" none ") == true && memcache?.hasSuffix("no memcached") == true)
        #expect(lines.filter { $0.contains("(set)") }.count == 1)
    }
}

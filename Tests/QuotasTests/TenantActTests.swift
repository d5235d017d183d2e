import Bytes
import Testing

@testable import Quotas

@Suite("Acts about tenants")
struct TenantActTests {
    private func read(_ text: String) -> TenantAct? {
        Array(text.utf8).withUnsafeBytes { TenantAct($0) }
    }

    @Test("what is written is read again, whatever the names are made of")
    func roundTrip() {
        var reset = TenantAct(.reset, tenant: "a:b\"ä", issuer: "i", limit: "plans.free/0", since: 7, until: 67, id: "1f")
        reset.keys = ["header x-app": "web", "method": "/a.B/C"]
        for act in [
            TenantAct(.block, tenant: "acme", since: 5, by: "uid 0", reason: "why"), reset,
            TenantAct(.override, tenant: "acme", limit: "p/l", count: 10_000_000_000, burst: 3, since: 5, until: 8_000_000_000),
        ] {
            #expect(read(act.text) == act)
        }
    }

    @Test(
        "what no gateway has written is no act",
        arguments: [
            "", "[]", "{}", "null", #"{"kind":"block"}"#, #"{"kind":"ban","tenant":"a"}"#, #"{"kind":"block","tenant":""}"#,
            #"{"kind":"block","tenant":"a","limit":"l"}"#, #"{"kind":"grant","tenant":"a","count":1}"#,
            #"{"kind":"grant","tenant":"a","limit":"l","count":-1}"#, #"{"kind":"grant","tenant":"a","limit":"l","count":1e300}"#,
            #"{"kind":"grant","tenant":"a","limit":"l","count":"1"}"#, #"{"kind":"block","tenant":"a","until":8000000001}"#,
            #"{"kind":"block","tenant":7}"#, #"{"kind":"block","tenant":"a","keys":[]}"#,
            #"{"kind":"block","tenant":"a","keys":{"a":1}}"#,
            #"{"kind":"block","tenant":"a","reason":{"a":{"b":1}}}"#, #"{"kind":"block","tenant":"a"}x"#,
        ])
    func hostile(text: String) { #expect(read(text) == nil) }

    @Test("texts have a limit, and one more is too long")
    func lengths() {
        let most = String(repeating: "t", count: TenantAct.nameBytesMax)
        #expect(read(TenantAct(.block, tenant: most, since: 1).text) != nil)
        #expect(read(TenantAct(.block, tenant: most + "t", since: 1).text) == nil)
        #expect(read(TenantAct(.block, tenant: "a", since: 1, reason: String(repeating: "r", count: 128)).text) != nil)
        #expect(read(TenantAct(.block, tenant: "a", since: 1, reason: String(repeating: "r", count: 129)).text) == nil)
        let keys = Dictionary(uniqueKeysWithValues: (0..<9).map { ("k\($0)", "v") })
        var act = TenantAct(.reset, tenant: "a", limit: "l", since: 1)
        act.keys = keys
        #expect(read(act.text) == nil)
        act.keys["k0"] = nil
        #expect(read(act.text) == act)
    }

    @Test("an act's place in the list tells names apart that only look alike")
    func fields() {
        #expect(TenantAct(.block, tenant: "a", since: 1).field == "block:a::")
        #expect(
            TenantAct(.grant, tenant: "a:b", issuer: "https://i", limit: "p/l", since: 1, id: "7").field
                == "grant:a%3ab:https%3a//i:p/l:7")
        #expect(TenantAct(.block, tenant: "a", issuer: "b:", since: 1).field != TenantAct(.block, tenant: "a:b", since: 1).field)
    }

    @Test("an act holds up to its last second")
    func expiry() {
        let act = TenantAct(.block, tenant: "a", since: 1, until: 10)
        #expect(act.holds(at: 9) && !act.holds(at: 10))
        #expect(TenantAct(.block, tenant: "a", since: 1).holds(at: 8_000_000_000))
    }

    @Test("times are written as RFC 3339 has them")
    func times() {
        #expect(TimeWords.text(0) == "1970-01-01T00:00:00Z" && TimeWords.text(1_709_251_199) == "2024-02-29T23:59:59Z")
    }
}

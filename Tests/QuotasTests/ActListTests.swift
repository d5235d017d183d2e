import Testing

@testable import Quotas

@Suite("The list of acts")
struct ActListTests {
    private func add(_ text: String, to list: inout ActList) { Array(text.utf8).withUnsafeBytes { list.add($0) } }

    @Test("entries that cannot be read are left out and counted, and the others hold")
    func unreadable() {
        var list = ActList(version: 3, lineage: "a", acts: [])
        add(#"{"kind":"block","tenant":"a"}"#, to: &list)
        add("\u{0}", to: &list)
        add(#"{"kind":"block","tenant":"b"}"#, to: &list)
        #expect(list.acts.map(\.tenant) == ["a", "b"] && list.unreadable == 1)
    }

    @Test("it has as many acts as it may have, and no more")
    func most() {
        var list = ActList.none
        for number in 0...ActList.actsMax { add(#"{"kind":"block","tenant":"t\#(number)"}"#, to: &list) }
        #expect(list.acts.count == ActList.actsMax && list.unreadable == 1)
    }

    @Test("an act takes the place of another about the same, and every change counts")
    func places() {
        var list = ActList.none
        list.put(TenantAct(.override, tenant: "a", limit: "l", count: 1, since: 1, until: 5))
        list.put(TenantAct(.override, tenant: "a", limit: "l", count: 2, since: 2, until: 9))
        list.put(TenantAct(.grant, tenant: "a", limit: "l", count: 3, since: 2, until: 7, id: "1"))
        list.put(TenantAct(.grant, tenant: "a", limit: "l", count: 3, since: 2, until: 7, id: "2"))
        #expect(list.acts.map(\.count) == [2, 3, 3] && list.version == 4)
        #expect(list.holding(at: 7).map(\.kind) == [.override] && list.nextEnd(after: 6) == 7 && list.nextEnd(after: 9) == nil)
        list.remove([list.acts[0]])
        #expect(list.acts.map(\.id) == ["1", "2"] && list.version == 5)
    }
}

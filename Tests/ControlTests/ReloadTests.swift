import Testing

@testable import Control

@Suite struct ReloadTests {
    @Test("a reload that is asked for while another runs comes next, joined with others that wait")
    func queue() {
        var queue = ReloadQueue()
        #expect(queue.begin(Reload(rereading: false, changed: ["a"])) == true)
        #expect(queue.begin(Reload(rereading: false, changed: ["b"])) == false)
        #expect(queue.begin(Reload(rereading: false, changed: ["c", "b"])) == false)
        #expect(queue.ended() == Reload(rereading: false, changed: ["b", "c"]))
        #expect(queue.begin(Reload(rereading: true)) == true)
        #expect(queue.ended() == nil)
        #expect(queue.begin(Reload(rereading: true)) == true)
    }

    @Test("a whole configuration takes changed files in")
    func joined() {
        var reload = Reload(rereading: false, changed: ["a"])
        reload.add(Reload(rereading: true))
        #expect(reload == Reload(rereading: true))
        reload.add(Reload(rereading: false, changed: ["b"]))
        #expect(reload == Reload(rereading: true))
    }

    @Test("the cause names three files at most")
    func cause() {
        #expect(Reload(rereading: true).cause == "")
        #expect(Reload(rereading: false, changed: ["a", "b", "c"]).cause == " (changed: a, b, c)")
        #expect(Reload(rereading: false, changed: ["a", "b", "c", "d"]).cause == " (changed: a, b, c and 1 more)")
    }
}

import GRPCTesting
import Net
import Reactor
import TLSTesting
import Testing

@testable import Control

@Suite("Keeping key sets")
struct KeySetRefresherTests {
    let worker: TestWorker
    let server: KeyServer
    let kept: Kept

    init() throws {
        worker = try TestWorker()
        server = try KeyServer(worker)
        kept = Kept(worker)
        server.answer.body = Documents.keys("one")
    }

    @Test("a set is fetched at once, and settles the beginning")
    func first() {
        kept.refresher.keep([server.source()])
        #expect(!kept.isSettled)
        #expect(worker.run { kept.isSettled })
        #expect(kept.fetched == [["one"]])
        #expect(server.requests == ["/jwks.json"])
        #expect(kept.lines.isEmpty)
    }

    @Test("without any set the beginning is settled")
    func none() {
        kept.refresher.keep([])
        #expect(kept.isSettled)
        kept.refresher.hint(server.source())
    }

    @Test("it is fetched again when it is stale, and told of only when it has changed")
    func refresh() {
        server.answer.fields = [("cache-control", "max-age=120")]
        kept.refresher.keep([server.source()])
        #expect(worker.run { kept.isSettled })
        kept.advance(by: .seconds(119))
        #expect(server.requests.count == 1)
        kept.advance(by: .seconds(2))
        #expect(worker.run { server.requests.count == 2 })
        server.answer.body = Documents.keys("one", "two")
        kept.advance(by: .seconds(121))
        #expect(worker.run { kept.fetched.count == 2 })
        #expect(kept.fetched == [["one"], ["one", "two"]])
    }

    @Test(
        "what is no good set never takes the place of one that is",
        arguments: [
            (Documents.symmetric, "it holds no key that can verify a token"),
            (#"{"keys":[]}"#, "it holds no key that can verify a token"),
            ("<html>", "the key set cannot be used: "), ("[1]", "the key set cannot be used: "),
            ("", "the key set cannot be used: "),
            (String(repeating: " ", count: (512 << 10) + 1), "it is larger than 512 KiB; "),
        ])
    func unusable(document: String, reason: String) {
        kept.refresher.keep([server.source()])
        #expect(worker.run { kept.isSettled })
        server.answer.body = document
        kept.advance(by: .seconds(601))
        // A line for each key that cannot be used may come before.
        #expect(worker.run { kept.lines.last?.hasSuffix("; those from before stay") == true })
        #expect(kept.lines.last?.hasPrefix("keys https://keys.test:\(server.port)/jwks.json: \(reason)") == true)
        #expect(kept.fetched == [["one"]])
    }

    @Test("an issuer that fails is asked again and again, and complained of once")
    func failing() {
        server.answer.status = "503"
        kept.refresher.keep([server.source()])
        #expect(worker.run { kept.isSettled })
        for wait in [2, 3, 5] {
            let before = server.requests.count
            kept.advance(by: .seconds(wait))
            #expect(worker.run { server.requests.count == before + 1 })
            worker.settle()
        }
        let address = "keys https://keys.test:\(server.port)/jwks.json"
        #expect(kept.lines == ["\(address): the answer's status is 503; there are none yet"])
        kept.refresher.hint(server.source())
        worker.settle()
        #expect(server.requests.count == 4, "hints do not hurry what fails")
        server.answer.status = "200"
        kept.advance(by: .seconds(11))
        #expect(worker.run { kept.fetched == [["one"]] })
        #expect(kept.lines.last == "\(address): fetched again")
    }

    @Test("an unknown key brings a fetch, and a flood of them no more than that")
    func hints() {
        kept.refresher.keep([server.source()])
        #expect(worker.run { kept.isSettled })
        server.answer.body = Documents.keys("two")
        for _ in 0..<50 {
            kept.refresher.hint(server.source())
            worker.loop.tick(wait: false)
        }
        #expect(worker.run { kept.fetched == [["one"], ["two"]] })
        kept.refresher.hint(server.source())
        worker.settle()
        #expect(server.requests.count == 2)
        kept.advance(by: .seconds(10))
        kept.refresher.hint(server.source())
        #expect(worker.run { server.requests.count == 3 })
    }

    @Test("an unknown key brings a fetch of its own issuer's set, and of no other")
    func hintsOfOne() throws {
        let other = try KeyServer(worker)
        other.answer.body = Documents.keys("other")
        kept.refresher.keep([server.source(), other.source()])
        #expect(worker.run { kept.isSettled })
        #expect(kept.refresher.hasKeys(of: server.source()) && kept.refresher.hasKeys(of: other.source()))
        kept.refresher.hint(other.source())
        #expect(worker.run { other.requests.count == 2 })
        worker.settle()
        #expect(server.requests.count == 1)
        // That one was fetched holds no other back.
        kept.refresher.hint(server.source())
        #expect(worker.run { server.requests.count == 2 })
    }

    @Test("keys that cannot be used are told with their reason, each once, and the others count")
    func unusableKeys() {
        let bad = #"{"kty":"RSA","kid":"short","n":"","e":"AQAB"},{"kty":"new"}"#
        server.answer.body = Documents.keys("one").replacing(#"{"keys":["#, with: #"{"keys":[\#(bad),"#)
        kept.refresher.keep([server.source()])
        #expect(worker.run { kept.isSettled })
        let place = "keys https://keys.test:\(server.port)/jwks.json"
        let lines = [
            #"\#(place): key 1 ("short") is not used: "n" is empty"#,
            "\(place): key 2 is not used: key type or curve not supported",
        ]
        #expect(kept.fetched == [["one"]])
        #expect(kept.lines == lines)
        server.answer.body = Documents.keys("one", "two").replacing(#"{"keys":["#, with: #"{"keys":[\#(bad),"#)
        kept.advance(by: .seconds(601))
        #expect(worker.run { kept.fetched.count == 2 })
        #expect(kept.lines == lines)
    }

    @Test("an issuer that never answers is given up after five seconds")
    func silence() {
        server.isHolding = true
        kept.refresher.keep([server.source()])
        #expect(worker.run { server.requests.count == 1 })
        kept.advance(by: .milliseconds(4900))
        #expect(!kept.isSettled)
        kept.advance(by: .milliseconds(200))
        #expect(kept.isSettled)
        #expect(kept.lines.first?.contains(": no answer in time; ") == true)
    }

    @Test("three redirects are followed, a fourth is not")
    func redirects() {
        for step in 1...4 {
            server.others["/r\(step)"] = .init(status: "302", fields: [("location", step == 1 ? "/jwks.json" : "/r\(step - 1)")])
        }
        kept.refresher.keep([server.source(path: "/r3")])
        #expect(worker.run { kept.isSettled })
        #expect(kept.fetched == [["one"]])
        #expect(server.requests == ["/r3", "/r2", "/r1", "/jwks.json"])
        kept.refresher.keep([server.source(path: "/r4")])
        #expect(worker.run { kept.lines.count == 1 })
        #expect(kept.lines[0].contains(": too many redirects; "))
        #expect(kept.fetched.count == 1)
    }

    @Test("a redirect away from https is not followed")
    func insecureRedirect() {
        server.answer = .init(status: "307", fields: [("location", "http://keys.test:\(server.port)/jwks.json")])
        kept.refresher.keep([server.source()])
        #expect(worker.run { kept.isSettled })
        #expect(kept.lines.first?.contains("redirected to something that is not an https URL") == true)
        #expect(server.requests.count == 1)
    }

    @Test("a server that cannot prove its name, or an authority not believed, gives no keys")
    func identity() throws {
        let other = try KeyServer(worker, names: "DNS:other.test")
        other.answer = server.answer
        for source in [other.source(), server.source(trusting: TestAuthority("Another Root").pem)] {
            let kept = Kept(worker)
            kept.refresher.keep([source])
            #expect(worker.run { kept.isSettled })
            #expect(kept.lines.first?.contains(": TLS: ") == true)
            #expect(kept.fetched.isEmpty)
        }
        #expect(server.requests.isEmpty && other.requests.isEmpty)
    }

    @Test("every address of a name is tried, in its order")
    func addresses() {
        // Nothing listens where the server does at another loopback address.
        kept.hosts.addresses["keys.test"] = [SocketAddress("127.0.0.77:0")!, SocketAddress("127.0.0.1:0")!]
        kept.refresher.keep([server.source()])
        #expect(worker.run { kept.isSettled })
        #expect(kept.fetched == [["one"]])
    }

    @Test("a name that nobody knows, and a port where nobody listens")
    func unreachable() throws {
        let source = server.source()
        kept.hosts.addresses = [:]
        kept.refresher.keep([source])
        #expect(worker.run { kept.isSettled })
        #expect(kept.lines.first?.contains("the host's address cannot be found") == true)
        kept.hosts.addresses["keys.test"] = [SocketAddress("127.0.0.1:0")!]
        server.stop()
        let other = Kept(worker)
        other.refresher.keep([source])
        #expect(worker.run { other.isSettled })
        #expect(other.lines.first?.contains("cannot connect: Connection refused; there are none yet") == true)
    }

    @Test("a set that is no longer wanted is forgotten, in the middle of its fetch too")
    func forgotten() {
        server.isHolding = true
        kept.refresher.keep([server.source()])
        #expect(worker.run { server.requests.count == 1 })
        kept.refresher.keep([])
        #expect(kept.isSettled)
        kept.advance(by: .seconds(700))
        #expect(server.requests.count == 1)
        #expect(kept.fetched.isEmpty && kept.lines.isEmpty)
        server.isHolding = false
        kept.refresher.keep([server.source()])
        #expect(worker.run { kept.fetched == [["one"]] })
    }

    @Test("a refresher that goes leaves nothing behind")
    func end() throws {
        server.isHolding = true
        var brief: Kept? = Kept(worker)
        brief?.refresher.keep([server.source()])
        #expect(worker.run { server.requests.count == 1 })
        brief = nil
        kept.advance(by: .seconds(10))
        #expect(brief == nil)
    }
}

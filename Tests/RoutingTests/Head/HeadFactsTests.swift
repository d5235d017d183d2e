import BytesTesting
import HTTPModel
import Testing

@testable import Routing

@Suite struct HeadFactsTests {
    @Test(
        "the service and method are the two segments of a path with exactly two",
        arguments: [
            ("/acme.orders.v1.Orders/Get", "acme.orders.v1.Orders", "Get"),
            ("/acme.orders.v1.Orders/Get?encoding=json", "acme.orders.v1.Orders", "Get"),
            ("/a/b", "a", "b"),
            ("/%40/b", "", ""), ("/a%2fb/c", "", ""), ("/a/b%20", "", ""), ("/a;x/b", "", ""), ("/a/b;x=1", "", ""),
            ("/a/b?c;d%2f", "a", "b"),
            ("/a/b/", "", ""), ("/a/b/c", "", ""), ("/a/", "", ""), ("/a", "", ""), ("/", "", ""),
            ("/a?/b", "", ""), ("/a/?b", "", ""),
        ])
    func rpc(path: String, service: String, method: String) throws {
        let request = TestRequest(path: path)
        let head = try request.head()
        #expect(head.service.text == service)
        #expect(head.rpc.text == method)
        #expect(head.target.text == path)
    }

    @Test(
        "path and query divide at the first question mark",
        arguments: [
            ("/a?b?c", "/a", "b?c"), ("/a?", "/a", ""), ("/a", "/a", ""), ("/?x", "/", "x"),
            ("/a?/../%zz//\\", "/a", "/../%zz//\\"),
        ])
    func query(target: String, path: String, query: String) throws {
        let request = TestRequest(path: target)
        let head = try request.head()
        #expect(head.path.text == path)
        #expect(head.query.text == query)
    }

    @Test(
        "an authority is lower-case and without its port",
        arguments: [
            ("api.acme.dev", "api.acme.dev"), ("API.Acme.DEV:8443", "api.acme.dev"), ("acme:", "acme"), ("a_b-c:1", "a_b-c"),
            ("10.1.2.3:80", "10.1.2.3"), ("[2001:DB8::1]:8443", "[2001:db8::1]"), ("[::1]", "[::1]"),
            ("a:65535", "a"), ("api.acme.dev.", "api.acme.dev"), ("API.acme.dev.:443", "api.acme.dev"),
            ("[2001:db8:0:0::0:1]", "[2001:db8::1]"),
            ("[2001:DB8::0001]:1", "[2001:db8::1]"), ("[::ffff:a00:1]", "[10.0.0.1]"), ("[::FFFF:10.0.0.1]", "[10.0.0.1]"),
        ])
    func authority(sent: String, expected: String) throws {
        let request = TestRequest(path: "/", authority: sent)
        #expect(try request.head().authority.text == expected)
    }

    @Test("content-type and grpc-timeout stand once, whatever they say", arguments: ["content-type", "grpc-timeout"])
    func repeated(name: String) throws {
        let fault: HeadFacts.Fault = name == "content-type" ? .contentTypes : .timeouts
        for (first, second) in [("1S", "2S"), ("1S", "1S"), ("", "1S"), ("1S", "")] {
            #expect(TestRequest(path: "/", [(name, first), (name, second)]).fault == fault)
        }
        #expect(TestRequest(path: "/", [(name, "1S")]).fault == nil)
    }

    @Test(
        "what no host can be is refused",
        arguments: [
            "user@acme.dev", "acme.dev:65536", "acme.dev:x", "acme.dev:123456", "[::1", "[::1]x", "[]", "[1.2.3.4]", ":80", "a b",
            "a/b", "a,b", "ä.dev", "a:1:2", "[::g]", "acme.dev\u{0}", "*",
            "sec%72et.example", "acme%2edev", "acme.dev%00", "%", ".acme.dev", "acme..dev", "acme.dev..", ".", "..",
            "acme.dev..:80", "[::1%25lo]", "[::1]a",
            String(repeating: "a", count: 256),
        ])
    func badAuthority(sent: String) {
        #expect(TestRequest(path: "/", authority: sent).fault == .authority)
        #expect(TestRequest(path: "/", authority: nil, [("host", sent)]).fault == .authority)
    }

    @Test("an authority of the longest length passes")
    func longestAuthority() throws {
        let name = String(repeating: "a", count: 255)
        let request = TestRequest(path: "/", authority: name + ":443")
        #expect(try request.head().authority.text == name)
    }

    @Test("Host stands in for a missing authority, and neither is an empty one")
    func host() throws {
        let named = TestRequest(path: "/", authority: nil, [("host", "Acme.dev:80")])
        #expect(try named.head().authority.text == "acme.dev")
        let nameless = TestRequest(path: "/", authority: nil)
        #expect(try nameless.head().authority.isEmpty)
    }

    @Test(
        "a Host that names another server than the authority is refused",
        arguments: [
            ("acme.dev", "acme.dev", true), ("acme.dev", "ACME.dev:443", true), ("acme.dev:8443", "acme.dev:8443", true),
            ("acme.dev", "evil.dev", false), ("acme.dev", "acme.dev:8443", false), ("acme.dev:80", "acme.dev", false),
            ("acme.dev", "acme.de", false), ("acme.dev.", "acme.dev", true), ("acme.dev", "ACME.dev.:443", true),
            ("acme.dev", "", false),
        ])
    func hostMismatch(authority: String, host: String, agrees: Bool) {
        let request = TestRequest(path: "/", authority: authority, [("host", host)])
        #expect(request.fault == (agrees ? nil : .hostMismatch))
    }

    @Test("two Hosts are refused, even the same one")
    func twoHosts() {
        #expect(TestRequest(path: "/", [("host", "api.acme.dev"), ("host", "api.acme.dev")]).fault == .authority)
    }

    @Test("a head without method or path is refused")
    func incomplete() {
        #expect(TestRequest([(":path", "/"), (":authority", "a")]).fault == .noMethod)
        #expect(TestRequest([(":method", "CONNECT"), (":authority", "a:1")]).fault == .noPath)
    }

    @Test(
        "a method that is a standard one but for its case is refused",
        arguments: [
            ("GET", true), ("delete", false), ("Delete", false), ("post", false), ("pOST", false), ("patch", false),
            ("connect", false),
            ("options", false), ("get", false), ("PATCH", true), ("PROPFIND", true), ("propfind", true), ("purge", true),
            ("ge", true),
            ("G-t", true), ("gEtt", true), ("DELETE", true), ("deletes", true), ("x", true),
        ])
    func methodCase(method: String, isAccepted: Bool) {
        #expect(TestRequest(method, path: "/").fault == (isAccepted ? nil : .methodCase))
    }

    @Test(
        "a head that asks for another protocol is refused",
        arguments: [("websocket", .webSocket), ("connect-udp", .extendedConnect)] as [(String, HeadFacts.Fault)])
    func otherProtocols(name: String, fault: HeadFacts.Fault) {
        let head = [(":method", "CONNECT"), (":protocol", name), (":scheme", "https"), (":path", "/chat"), (":authority", "a")]
        #expect(TestRequest(head).fault == fault)
    }

    @Test("the path of a Unix socket is no host, and only where the caller came by one")
    func socketPath() throws {
        let request = TestRequest(path: "/", authority: "tmp%2Fmartlet.sock")
        #expect(request.fault == .authority)
        #expect(try HeadFacts(&request.fields, HeadCache(), isLocal: true).authority.isEmpty)
        let memory = HeadCache()
        _ = try HeadFacts(&request.fields, memory, isLocal: true)
        #expect(throws: HeadFacts.Fault.authority) { _ = try HeadFacts(&request.fields, memory) }
    }
}

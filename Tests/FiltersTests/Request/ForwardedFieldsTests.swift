import Bytes
import HTTPModel
import Net
import Routing
import Testing
import Transport

@testable import Filters

@Suite struct ForwardedFieldsTests {
    static let all: ForwardedHeaders = [.host, .port, .prefix, .realIP, .rfc7239]

    /// A request to `shop.acme.dev` by a peer, 10.0.0.1 of which is a trusted proxy; none is a Unix socket.
    struct Case: CustomTestStringConvertible, Sendable {
        var peer: String?
        var sent: [(String, String)]
        var authority = "shop.acme.dev"
        var path = "/shop/cart"
        var rewritten: String?
        var expected: [String]

        init(
            _ peer: String?, sent: [(String, String)] = [], authority: String = "shop.acme.dev", path: String = "/shop/cart",
            to rewritten: String? = nil, _ expected: [String]
        ) {
            (self.peer, self.sent, self.authority, self.path, self.rewritten) = (peer, sent, authority, path, rewritten)
            self.expected = expected
        }

        var testDescription: String { "\(peer ?? "unix") \(sent) \(authority) \(rewritten ?? "")" }
    }

    /// What the upstream is told, with what stays of the peer's own fields first.
    private static func told(_ given: Case) throws -> [String] {
        var head = FieldBlock()
        defer { head.destroy() }
        head.append(":authority", given.authority)
        for (name, value) in given.sent { head.append(name, value) }
        let peer = try given.peer.map { try #require(IPAddress($0)) }
        let origin = ClientOrigin(peer: peer, fields: head, trusted: CIDRSet([try CIDR("10.0.0.0/8")]))
        let path = Array(given.path.utf8)
        let target = given.rewritten.map { Array($0.utf8) } ?? []
        return path.withUnsafeBytes { path in
            target.withUnsafeBytes { bytes in
                let fields = ForwardedFields(
                    origin: origin, peer: peer, proto: "http", path: path, rewrittenTarget: given.rewritten == nil ? nil : bytes,
                    rules: nil)
                let count = head.count
                let added = fields.fields(Self.all, of: &head, headCount: count)
                var told: [Field] = head.all[1...].filter { $0.token == .other }
                told.append(contentsOf: added)
                return told.map { "\($0.nameText)=\($0.valueText)" }
            }
        }
    }

    @Test(
        "upstreams are told of the request as it arrived",
        arguments: [
            Case(
                "203.0.113.7",
                [
                    "x-forwarded-host=shop.acme.dev", "x-forwarded-port=80", "x-real-ip=203.0.113.7",
                    "forwarded=for=203.0.113.7;host=\"shop.acme.dev\";proto=http",
                ]),
            Case(
                "2001:db8::1", authority: "[::1]:81",
                [
                    "x-forwarded-host=[::1]:81", "x-forwarded-port=81", "x-real-ip=2001:db8::1",
                    "forwarded=for=\"[2001:db8::1]\";host=\"[::1]:81\";proto=http",
                ]),
            // A dual-stack socket's IPv4 peer.
            Case(
                "::ffff:203.0.113.7",
                [
                    "x-forwarded-host=shop.acme.dev", "x-forwarded-port=80", "x-real-ip=203.0.113.7",
                    "forwarded=for=203.0.113.7;host=\"shop.acme.dev\";proto=http",
                ]),
            Case(
                "203.0.113.7", to: "/cart?a=1",
                [
                    "x-forwarded-host=shop.acme.dev", "x-forwarded-port=80", "x-forwarded-prefix=/shop", "x-real-ip=203.0.113.7",
                    "forwarded=for=203.0.113.7;host=\"shop.acme.dev\";proto=http",
                ]),
            // A Unix socket has no address (RFC 7239, section 6.2).
            Case(
                nil,
                [
                    "x-forwarded-host=shop.acme.dev", "x-forwarded-port=80",
                    "forwarded=for=unknown;host=\"shop.acme.dev\";proto=http",
                ]),
        ])
    func request(_ given: Case) throws { #expect(try Self.told(given) == given.expected) }

    private static let element = "forwarded=for=10.0.0.1;host=\"shop.acme.dev\";proto=http"

    @Test(
        "of a trusted proxy host and port stand where they are well-formed, the client's address never",
        arguments: [
            Case(
                "10.0.0.1", sent: [("x-forwarded-host", "a.dev:8080"), ("x-forwarded-port", "8443"), ("x-real-ip", "203.0.113.9")],
                ["x-forwarded-host=a.dev:8080", "x-forwarded-port=8443", "x-real-ip=10.0.0.1", element]),
            Case(
                "10.0.0.1", sent: [("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "192.0.2.1"), ("x-forwarded-host", "[::1]")],
                ["x-forwarded-host=[::1]", "x-forwarded-port=80", "x-real-ip=203.0.113.9", element]),
            Case(
                "10.0.0.1",
                sent: [
                    ("x-real-ip", "nonsense"), ("x-real-ip", "1.1.1.1"), ("x-forwarded-port", "abc"),
                    ("x-forwarded-host", "evil/.."),
                ],
                ["x-forwarded-host=shop.acme.dev", "x-forwarded-port=80", "x-real-ip=10.0.0.1", element]),
            Case(
                "10.0.0.1", sent: [("x-forwarded-port", "0"), ("x-forwarded-host", "")],
                ["x-forwarded-host=shop.acme.dev", "x-forwarded-port=80", "x-real-ip=10.0.0.1", element]),
            Case(
                "10.0.0.1", sent: [("x-forwarded-port", "65536"), ("x-forwarded-host", ":80")],
                ["x-forwarded-host=shop.acme.dev", "x-forwarded-port=80", "x-real-ip=10.0.0.1", element]),
            Case(
                "10.0.0.1", sent: [("x-forwarded-port", "65535"), ("x-forwarded-host", "user@a.dev")],
                ["x-forwarded-port=65535", "x-forwarded-host=shop.acme.dev", "x-real-ip=10.0.0.1", element]),
            // Two hops in one field, or two fields: which of them counts, servers disagree on.
            Case(
                "10.0.0.1", sent: [("x-forwarded-port", "80"), ("x-forwarded-port", "80"), ("x-forwarded-host", "a.dev, b.dev")],
                ["x-forwarded-host=shop.acme.dev", "x-forwarded-port=80", "x-real-ip=10.0.0.1", element]),
        ])
    func trusted(_ given: Case) throws { #expect(try Self.told(given) == given.expected) }

    @Test(
        "our prefix and our element of forwarded stand behind those of a trusted proxy, in one line",
        arguments: [
            Case(
                "10.0.0.1",
                sent: [
                    ("forwarded", "for=203.0.113.9"), ("x-forwarded-prefix", "/a"), ("forwarded", "for=10.0.0.2"), ("x-b", "1"),
                ],
                to: "/cart",
                [
                    "x-b=1", "x-forwarded-host=shop.acme.dev", "x-forwarded-port=80", "x-forwarded-prefix=/a, /shop",
                    "x-real-ip=10.0.0.1",
                    "forwarded=for=203.0.113.9, for=10.0.0.2, for=10.0.0.1;host=\"shop.acme.dev\";proto=http",
                ]),
            // Nothing of ours is to be said: the peer's stays as it is.
            Case(
                "10.0.0.1", sent: [("x-forwarded-prefix", "/a"), ("x-forwarded-prefix", "/b"), ("forwarded", "")],
                [
                    "x-forwarded-prefix=/a", "x-forwarded-prefix=/b", "x-forwarded-host=shop.acme.dev", "x-forwarded-port=80",
                    "x-real-ip=10.0.0.1", element,
                ]),
        ])
    func behind(_ given: Case) throws { #expect(try Self.told(given) == given.expected) }
}

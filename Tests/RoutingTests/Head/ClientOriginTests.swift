import BytesTesting
import HTTPModel
import Net
import Testing

@testable import Routing

@Suite struct ClientOriginTests {
    static let trusted = ["10.0.0.0/8", "2001:db8::/32"]

    struct Case: CustomTestStringConvertible, Sendable {
        var peer: String
        var sent: [String]
        var client: String
        var upstream: String

        init(_ peer: String, _ sent: [String], client: String, upstream: String) {
            (self.peer, self.sent, self.client, self.upstream) = (peer, sent, client, upstream)
        }

        var testDescription: String { "\(peer) \(sent)" }
    }

    @Test(
        "the client is the right-most hop that is no trusted proxy, and only what is believed goes upstream",
        arguments: [
            // Nobody to believe.
            Case("203.0.113.7", [], client: "203.0.113.7", upstream: "203.0.113.7"),
            Case("203.0.113.7", ["1.1.1.1"], client: "203.0.113.7", upstream: "203.0.113.7"),
            Case("203.0.113.7", ["10.0.0.5"], client: "203.0.113.7", upstream: "203.0.113.7"),
            // A trusted peer is believed about the hop before it.
            Case("10.0.0.1", [], client: "10.0.0.1", upstream: "10.0.0.1"),
            Case("10.0.0.1", ["1.1.1.1"], client: "1.1.1.1", upstream: "1.1.1.1, 10.0.0.1"),
            Case("10.0.0.1", ["9.9.9.9, 1.1.1.1"], client: "1.1.1.1", upstream: "1.1.1.1, 10.0.0.1"),
            Case("10.0.0.1", ["9.9.9.9,1.1.1.1 ,\t10.0.0.2"], client: "1.1.1.1", upstream: "1.1.1.1 ,\t10.0.0.2, 10.0.0.1"),
            Case("10.0.0.1", ["10.0.0.3, 10.0.0.2"], client: "10.0.0.3", upstream: "10.0.0.3, 10.0.0.2, 10.0.0.1"),
            // Several fields are one list.
            Case("10.0.0.1", ["9.9.9.9", "1.1.1.1", "10.0.0.2"], client: "1.1.1.1", upstream: "1.1.1.1, 10.0.0.2, 10.0.0.1"),
            Case(
                "10.0.0.1", ["9.9.9.9, 10.0.0.4", "10.0.0.2"], client: "9.9.9.9", upstream: "9.9.9.9, 10.0.0.4, 10.0.0.2, 10.0.0.1"),
            Case("10.0.0.1", ["1.1.1.1", ""], client: "1.1.1.1", upstream: "1.1.1.1, , 10.0.0.1"),
            // Ports and brackets.
            Case("10.0.0.1", ["1.1.1.1:4711"], client: "1.1.1.1", upstream: "1.1.1.1:4711, 10.0.0.1"),
            Case("10.0.0.1", ["2001:db9::1"], client: "2001:db9::1", upstream: "2001:db9::1, 10.0.0.1"),
            Case("10.0.0.1", ["[2001:db9::1]"], client: "2001:db9::1", upstream: "[2001:db9::1], 10.0.0.1"),
            Case("10.0.0.1", ["[2001:db9::1]:443"], client: "2001:db9::1", upstream: "[2001:db9::1]:443, 10.0.0.1"),
            Case("10.0.0.1", ["1.1.1.1, [2001:db8::2]:443"], client: "1.1.1.1", upstream: "1.1.1.1, [2001:db8::2]:443, 10.0.0.1"),
            Case("2001:db8::1", ["1.1.1.1"], client: "1.1.1.1", upstream: "1.1.1.1, 2001:db8::1"),
            Case("::ffff:10.0.0.1", ["1.1.1.1"], client: "1.1.1.1", upstream: "1.1.1.1, 10.0.0.1"),
            // Rubbish ends the walk at the last trusted hop.
            Case("10.0.0.1", ["1.1.1.1, unknown"], client: "10.0.0.1", upstream: "10.0.0.1"),
            Case("10.0.0.1", ["1.1.1.1, _hidden, 10.0.0.2"], client: "10.0.0.2", upstream: "10.0.0.2, 10.0.0.1"),
            Case("10.0.0.1", ["1.1.1.1, 10.0.0.2", "\"[::1]\""], client: "10.0.0.1", upstream: "10.0.0.1"),
            Case("10.0.0.1", ["1.1.1.1:"], client: "10.0.0.1", upstream: "10.0.0.1"),
            Case("10.0.0.1", [":80"], client: "10.0.0.1", upstream: "10.0.0.1"),
            Case("10.0.0.1", ["1.1.1.1:123456"], client: "10.0.0.1", upstream: "10.0.0.1"),
            Case("10.0.0.1", ["[1.1.1.1]:80"], client: "10.0.0.1", upstream: "10.0.0.1"),
            Case("10.0.0.1", ["[2001:db9::1"], client: "10.0.0.1", upstream: "10.0.0.1"),
            Case("10.0.0.1", ["[]"], client: "10.0.0.1", upstream: "10.0.0.1"),
            Case("10.0.0.1", ["fe80::1%eth0"], client: "10.0.0.1", upstream: "10.0.0.1"),
            Case("10.0.0.1", ["1.1.1.1, 01.2.3.4"], client: "10.0.0.1", upstream: "10.0.0.1"),
            Case("10.0.0.1", ["", " , ,"], client: "10.0.0.1", upstream: "10.0.0.1"),
        ])
    func chain(_ given: Case) throws {
        let request = TestRequest(path: "/", given.sent.map { ("x-forwarded-for", $0) })
        let set = CIDRSet(try Self.trusted.map { text throws in try CIDR(text) })
        let peer = try #require(IPAddress(given.peer))
        let origin = ClientOrigin(peer: peer, fields: request.fields, trusted: set)
        #expect(origin.address?.description == given.client)
        #expect(origin.isProxied == set.contains(peer))
        let sent = Array(peer.description.utf8).withUnsafeBytes {
            origin.forwardedFor(peerText: $0, fields: &request.fields).text
        }
        #expect(sent == given.upstream)
    }

    @Test("nothing is believed beyond the largest number of hops", arguments: [0, 1])
    func hopsMax(extra: Int) throws {
        let hops = (0..<(ClientOrigin.hopsMax - 1 + extra)).map { "10.0.1.\($0)" }
        let request = TestRequest(path: "/", [("x-forwarded-for", "1.1.1.1")] + hops.map { ("x-forwarded-for", $0) })
        let set = CIDRSet([try CIDR("10.0.0.0/8")])
        let origin = ClientOrigin(peer: IPAddress("10.0.0.1"), fields: request.fields, trusted: set)
        #expect(origin.address?.description == (extra == 0 ? "1.1.1.1" : "10.0.1.0"))
    }

    @Test("a peer without an address has none, whatever it says")
    func unixPeer() throws {
        let request = TestRequest(path: "/", [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-proto", "https")])
        let origin = ClientOrigin(peer: nil, fields: request.fields, trusted: CIDRSet([try CIDR("0.0.0.0/0")]))
        #expect(origin.address == nil)
        #expect(!origin.isProxied)
    }

    @Test(
        "x-forwarded-proto is believed of a trusted proxy that says http or https, in any case",
        arguments: [
            ("10.0.0.1", ["https"], false, "https"), ("10.0.0.1", ["http"], true, "http"), ("10.0.0.1", [], true, "https"),
            ("10.0.0.1", ["https", "https"], false, "https"), ("10.0.0.1", ["https", "http"], false, "http"),
            ("10.0.0.1", ["https,http"], false, "http"), ("10.0.0.1", ["HTTPS"], false, "https"),
            ("10.0.0.1", ["http", ""], true, "http"),
            ("10.0.0.1", ["https, ws"], false, "http"),
            ("10.0.0.1", ["ws"], true, "https"),
            ("1.1.1.1", ["https"], false, "http"), ("1.1.1.1", ["http"], true, "https"),
        ])
    func proto(peer: String, sent: [String], isSecure: Bool, expected: String) throws {
        let request = TestRequest(path: "/", sent.map { ("x-forwarded-proto", $0) })
        let origin = ClientOrigin(
            peer: IPAddress(peer), fields: request.fields, trusted: CIDRSet([try CIDR("10.0.0.0/8")]))
        #expect(origin.forwardedProto(fields: request.fields, isSecure: isSecure).description == expected)
    }

    @Test(
        "of several in x-forwarded-proto it is https only if all are, wherever they stand: the client may have written any but one",
        arguments: [
            // The client's own https in front of what the first proxy appended, and the second passed on or appended to.
            ("203.0.113.9, 10.0.0.2", ["https, http"], "http"), ("203.0.113.9, 10.0.0.2", ["http", "HTTPS,http"], "http"),
            ("203.0.113.9, 10.0.0.2, 10.0.0.3", ["https, http"], "http"), ("203.0.113.9", ["https, http"], "http"),
            ("6.6.6.6, 203.0.113.9, 10.0.0.2", ["https, http, https"], "http"),
            ("203.0.113.9, 10.0.0.2", ["https, https, http"], "http"),
            ("203.0.113.9, 10.0.0.2", ["https"], "https"), ("203.0.113.9, 10.0.0.2", ["https", "HTTPS"], "https"),
            ("203.0.113.9, 10.0.0.2, 10.0.0.3", ["https, https"], "https"), ("203.0.113.9, 10.0.0.2", ["http, http"], "http"),
            ("203.0.113.9, 10.0.0.2", ["ws, https"], "http"), ("203.0.113.9, 10.0.0.2", ["ws, wss"], "own"),
        ])
    func protos(hops: String, sent: [String], expected: String) throws {
        let request = TestRequest(path: "/", [("x-forwarded-for", hops)] + sent.map { ("x-forwarded-proto", $0) })
        let origin = ClientOrigin(
            peer: IPAddress("10.0.0.1"), fields: request.fields, trusted: CIDRSet([try CIDR("10.0.0.0/8")]))
        // Whatever our own listener is.
        for (isSecure, own) in [(false, "http"), (true, "https")] {
            let told = origin.forwardedProto(fields: request.fields, isSecure: isSecure).description
            #expect(told == (expected == "own" ? own : expected))
        }
    }
}

import Gateway
import JOSE
import Net
import Snapshots
import Testing
import Upstreams

@testable import Control

@Suite("Where a key set lies")
struct KeySetLocationTests {
    static let base = KeySetLocation(
        KeySetSource(
            endpoint: .name("keys.test", port: 443), authority: "keys.test", path: "/a/jwks.json?x=1", authorities: nil,
            rsaAlgorithm: .rs256))

    @Test(
        "redirects are followed within https",
        arguments: [
            ("https://other.test/k", EndpointAddress.name("other.test", port: 443), "other.test", "/k"),
            ("https://other.test:8443", .name("other.test", port: 8443), "other.test:8443", "/"),
            ("https://other.test:443/?q=1#part", .name("other.test", port: 443), "other.test", "/?q=1"),
            ("https://127.0.0.1:1/k", .address(.ipv4(0x7f00_0001, port: 1)), "127.0.0.1:1", "/k"),
            ("https://[::1]/k", .address(.ipv6(1, port: 443, scope: 0)), "[::1]", "/k"),
            ("//other.test/k", .name("other.test", port: 443), "other.test", "/k"),
            ("/k?y=2", .name("keys.test", port: 443), "keys.test", "/k?y=2"),
        ])
    func followed(location: String, endpoint: EndpointAddress, authority: String, path: String) throws {
        let found = try #require(KeySetLocation(location, from: Self.base))
        #expect(found.endpoint == endpoint)
        #expect(found.authority == authority)
        #expect(found.path == path)
        #expect(found.serverName != nil)
    }

    @Test(
        "and nowhere else",
        arguments: [
            "http://keys.test/k", "HTTP://keys.test/k", "ftp://keys.test", "file:///etc/passwd", "https://", "https:///k", "k.json",
            "", "?q",
            "https://user:secret@keys.test/k", "https://keys.test:0/k", "https://keys.test:99999/k", "/a b", "/a\r\nx: y",
        ])
    func refused(location: String) { #expect(KeySetLocation(location, from: Self.base) == nil) }

    @Test(
        "what began in the clear may go on so, and need not",
        arguments: [
            ("http://other.test/k", false, EndpointAddress.name("other.test", port: 80), "other.test"),
            ("http://other.test:443/k", false, .name("other.test", port: 443), "other.test:443"),
            ("//other.test/k", false, .name("other.test", port: 80), "other.test"),
            ("https://other.test/k", true, .name("other.test", port: 443), "other.test"),
            ("/k", false, .name("keys.test", port: 80), "keys.test"),
        ])
    func insecure(location: String, isSecure: Bool, endpoint: EndpointAddress, authority: String) throws {
        let base = KeySetLocation(
            KeySetSource(
                endpoint: .name("keys.test", port: 80), authority: "keys.test", path: "/jwks", isSecure: false, authorities: nil,
                rsaAlgorithm: .rs256))
        #expect(base.description == "http://keys.test/jwks" && !base.isSecure)
        let found = try #require(KeySetLocation(location, from: base))
        #expect(found.isSecure == isSecure && found.endpoint == endpoint && found.authority == authority)
        // And back again.
        #expect(KeySetLocation("http://keys.test/k", from: found)?.isSecure == false)
    }

    @Test("a notice names it without its query")
    func description() { #expect(Self.base.description == "https://keys.test/a/jwks.json") }
}

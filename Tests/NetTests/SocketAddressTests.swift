import Testing

@testable import Net

@Suite struct SocketAddressTests {
    @Test(
        "addresses are read, and written as they were read",
        arguments: [
            ("127.0.0.1:8080", SocketAddress.ipv4(0x7f00_0001, port: 8080)),
            ("0.0.0.0:0", .ipv4(0, port: 0)),
            ("255.255.255.255:65535", .ipv4(.max, port: 65535)),
            ("[::1]:443", .ipv6(1, port: 443, scope: 0)),
            ("[2001:db8::5]:1", .ipv6(0x2001_0db8 << 96 | 5, port: 1, scope: 0)),
            ("[::ffff:10.0.0.1]:1", .ipv6(0xffff_0a00_0001, port: 1, scope: 0)),
            ("unix:/run/martlet.sock", .unix("/run/martlet.sock")),
        ])
    func read(text: String, address: SocketAddress) {
        #expect(SocketAddress(text) == address)
        #expect(address.description == text)
    }

    @Test(
        "what is no address in digits is none",
        arguments: [
            "", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1:65536", "127.0.0.1:8o",
            "127.0.0:80",
            "127.0.0.1.1:80", "256.0.0.1:80", "localhost:80", "[::1]", "[::1]:", "[::1", "[]:80", "[::g]:80", "unix:",
            "unix:" + String(repeating: "x", count: 108),
        ])
    func notRead(text: String) { #expect(SocketAddress(text) == nil) }

    @Test(
        "addresses overlap where one is the other, or all addresses, at the same port",
        arguments: [
            ("127.0.0.1:80", "127.0.0.1:80", true), ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:80", "0.0.0.0:80", true), ("[::]:80", "127.0.0.1:80", true), ("[::]:80", "0.0.0.0:81", false),
            ("[::1]:80", "[::2]:80", false), ("unix:/a", "unix:/a", true), ("unix:/a", "unix:/b", false),
            ("unix:/a", "0.0.0.0:80", false),
        ])
    func overlaps(one: String, other: String, expected: Bool) throws {
        let (one, other) = (try #require(SocketAddress(one)), try #require(SocketAddress(other)))
        #expect(one.overlaps(other) == expected && other.overlaps(one) == expected)
    }

    @Test("a Unix path may have 107 bytes")
    func longestPath() {
        let path = String(repeating: "x", count: 107)
        #expect(SocketAddress("unix:\(path)") == .unix(path))
    }

    @Test("IPv4 is compared as IPv6, mapped; ports are exchanged, paths have none")
    func parts() {
        let four = SocketAddress.ipv4(0x0a00_0001, port: 80)
        #expect(four.ip?.bits == 0xffff_0a00_0001)
        #expect(four.host == "10.0.0.1")
        #expect(four.with(port: 81).port == 81)
        #expect(SocketAddress.ipv6(2, port: 3, scope: 4).with(port: 9) == .ipv6(2, port: 9, scope: 4))
        #expect(SocketAddress.unix("/a").with(port: 9) == .unix("/a"))
        #expect(SocketAddress.unix("/a").port == nil)
        #expect(SocketAddress.unix("/a").host == "unix:" && SocketAddress.unix("/a").ip == nil)
    }
}

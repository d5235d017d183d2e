import Testing

@testable import TLS

@Suite struct ServerNameTests {
    @Test(
        "names become lower-case without their last dot",
        arguments: [
            ("Orders.Internal", "orders.internal"), ("a.test.", "a.test"), ("localhost", "localhost"), ("_x.y-z.1a", "_x.y-z.1a"),
        ])
    func dns(text: String, name: String) { #expect(ServerName(text) == .dns(name)) }

    @Test("addresses of both kinds are addresses", arguments: ["10.0.0.1", "::1", "2001:db8::5", "FE80::1"])
    func address(text: String) { #expect(ServerName(text) == .address(text.lowercased())) }

    @Test(
        "what is neither is refused",
        arguments: [
            "", ".", "a..b", "10.0.0", "10.0.0.256", "a b", "a\0b", "[::1]", "ü.test", "*.test", "a:443",
            String(repeating: "a", count: 64) + ".test", String(repeating: "abcdefg.", count: 32),
        ])
    func refused(text: String) { #expect(ServerName(text) == nil) }

    @Test("labels of 63 bytes and names of 253 are the longest")
    func longest() {
        #expect(ServerName(String(repeating: "a", count: 63) + ".test") != nil)
        let name = String(repeating: "abcdefg.", count: 31) + "vwxyz"
        #expect(name.utf8.count == 253)
        #expect(ServerName(name) != nil)
        #expect(ServerName(name + "1") == nil)
    }
}

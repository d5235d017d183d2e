import Testing

@testable import Config

@Suite struct AddressTests {
    @Test(
        "addresses to call",
        arguments: [
            ("10.0.0.11:50051", NetworkAddress.ip("10.0.0.11", port: 50051)),
            ("\"[::1]:50051\"", .ip("::1", port: 50051)), ("\"[0:0::0001]:50051\"", .ip("::1", port: 50051)),
            ("\"[::ffff:10.0.0.1]:1\"", .ip("::ffff:10.0.0.1", port: 1)),
            ("Orders.Internal:65535", .name("orders.internal", port: 65535)),
            ("Orders.Internal.:80", .name("orders.internal.", port: 80)), ("orders.:80", .name("orders.", port: 80)),
            ("my_service:80", .name("my_service", port: 80)),
            ("unix:/run/orders.sock", .unix("/run/orders.sock")),
        ])
    func peers(text: String, expected: NetworkAddress) {
        #expect(reading(text, as: .peerAddress).value == expected)
    }

    @Test(
        "what is no address to call",
        arguments: [
            "10.0.0.11", "10.0.0.11:", ":80", "10.0.0.11:65536", "10.0.0.11:0", "10.0.0.256:80", "10.0.0:80", "010.0.0.1:80",
            "\"::1:80\"", "\"[::1]\"", "\"[10.0.0.1]:80\"", "\"[::1%eth0]:80\"", "http://a:80", "a b:80", "-a:80", "a..b:80",
            "unix:run.sock", "\"unix:\"", "a:+80", "a:8_0", ".:80", "a..:80", "10.0.0.1.:80",
        ])
    func noPeers(text: String) {
        #expect(reading(text, as: .peerAddress).value == nil)
    }

    @Test("one listens on addresses and Unix sockets, not on names")
    func listen() {
        #expect(reading("0.0.0.0:0", as: .listenAddress).value == .ip("0.0.0.0", port: 0))
        #expect(
            reading("localhost:8443", as: .listenAddress).message
                == "found \"localhost:8443\", expected an address to listen on such as 0.0.0.0:8443, \"[::]:8443\" or unix:/run/martlet.sock"
        )
    }

    @Test("a Unix path is as long as the kernel takes it, and not longer")
    func unixPath() {
        #expect(NetworkAddress("unix:/" + String(repeating: "a", count: 106)) != nil)
        #expect(NetworkAddress("unix:/" + String(repeating: "a", count: 107)) == nil)
    }

    @Test(
        "an authority has no dot at the end of its host",
        arguments: [
            ("orders.internal.:50051", "orders.internal:50051"), ("[::1]:80", "[::1]:80"), ("unix:/a", nil),
        ])
    func authority(text: String, authority: String?) {
        #expect(NetworkAddress(text)?.authority == authority)
    }

    @Test("an address is written as it is read", arguments: ["10.0.0.1:80", "[2001:db8::1]:443", "a.b:1", "unix:/x"])
    func description(text: String) {
        #expect(NetworkAddress(text)?.description == text)
    }
}

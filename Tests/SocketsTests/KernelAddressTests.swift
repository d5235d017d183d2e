import Glibc
import Net
import Testing

@testable import Sockets

@Suite struct KernelAddressTests {
    @Test(
        "addresses go through the kernel's form and back",
        arguments: [
            "127.0.0.1:8080", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:443", "[2001:db8::5]:1", "[::ffff:10.0.0.1]:1",
            "unix:/run/martlet.sock",
        ])
    func roundTrip(text: String) throws {
        let address = try #require(SocketAddress(text))
        let back = address.withSockaddr { pointer, length in
            var storage = sockaddr_storage()
            withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: Int(length))) }
            return SocketAddress(storage, length: length)
        }
        #expect(back == address)
    }
}

import Glibc
import Net
import Sockets
import Testing

/// A name server of the test's own, on UDP and TCP of one port, which answers when it is polled.
final class NameServer {
    let address: SocketAddress
    /// What it was asked, in order: the name's labels with dots, and whether by TCP.
    private(set) var asked: [(name: String, type: UInt16, isStream: Bool)] = []
    /// IPv4 addresses of every name there is; others do not exist.
    var names: [String: [UInt32]] = [:]
    var ttlSeconds: UInt32 = 60
    var hasEndedOutput = false
    /// Questions of this type get no answer.
    var isSilentFor: UInt16?
    /// Answers by UDP are cut off.
    var truncates = false
    /// Answers come with another identifier first.
    var liesFirst = false
    private let datagrams: Int32
    private let listener: Int32
    private var connection: Int32 = -1
    private var incoming: [UInt8] = []

    init() throws {
        var pair: (Int32, Int32, SocketAddress)?
        for _ in 0..<100 where pair == nil { pair = Self.open() }
        (datagrams, listener, address) = try #require(pair)
    }

    deinit {
        for descriptor in [datagrams, listener, connection] where descriptor >= 0 { close(descriptor) }
    }

    /// UDP takes a free port, and TCP the same, if it is free there too.
    private static func open() -> (Int32, Int32, SocketAddress)? {
        let loopback = SocketAddress("127.0.0.1:0")!
        let nonblocking = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let datagrams = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | nonblocking, 0)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | nonblocking, 0)
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        guard loopback.withSockaddr({ bind(datagrams, $0, $1) }) == 0,
            withUnsafeMutablePointer(
                to: &storage,
                { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(datagrams, $0, &length) } }) == 0,
            let address = SocketAddress(storage, length: length),
            address.withSockaddr({ bind(listener, $0, $1) }) == 0, listen(listener, 8) == 0
        else {
            close(datagrams)
            close(listener)
            return nil
        }
        return (datagrams, listener, address)
    }

    /// Takes what has come, and answers it.
    func poll() {
        var buffer = [UInt8](repeating: 0, count: 2048)
        var peer = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count = withUnsafeMutablePointer(to: &peer) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(datagrams, &buffer, buffer.count, 0, $0, &length)
            }
        }
        if count > 0 {
            for answer in answers(to: Array(buffer[..<count]), isStream: false) {
                _ = withUnsafePointer(to: &peer) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        sendto(datagrams, answer, answer.count, 0, $0, length)
                    }
                }
            }
        }
        pollStream()
    }

    private func pollStream() {
        if connection < 0 { connection = accept(listener, nil, nil) }
        guard connection >= 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 2048)
        let count = recv(connection, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count == 0 {
            close(connection)
            connection = -1
        }
        guard count > 0 else { return }
        incoming += buffer[..<count]
        guard incoming.count >= 2, case let end = 2 + Int(incoming[0]) << 8 + Int(incoming[1]), incoming.count >= end else {
            return
        }
        let query = Array(incoming[2..<end])
        incoming.removeFirst(end)
        for answer in answers(to: query, isStream: true) {
            let bytes = [UInt8(answer.count >> 8), UInt8(answer.count & 0xff)] + answer
            _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }
    }

    private func answers(to query: [UInt8], isStream: Bool) -> [[UInt8]] {
        var end = 12
        var labels: [String] = []
        while query[end] != 0 {
            let start = end + 1
            end = start + Int(query[end])
            labels.append(String(decoding: query[start..<end], as: UTF8.self))
        }
        let question = Array(query[12..<(end + 5)])
        let type = UInt16(query[end + 1]) << 8 | UInt16(query[end + 2])
        let name = labels.joined(separator: ".")
        asked.append((name, type, isStream))
        guard !hasEndedOutput, type != isSilentFor else { return [] }
        let isCut = truncates && !isStream
        let known = names[name]
        let found = isCut || type != 1 ? [] : known ?? []
        var answer = Array(query[..<2])
        answer += [isCut ? 0x83 : 0x81, known == nil ? 0x83 : 0x80, 0, 1, 0, UInt8(found.count), 0, 0, 0, 0] + question
        for bits in found {
            answer += [0xc0, 12, 0, 1, 0, 1] + Self.bytes(of: ttlSeconds) + [0, 4] + Self.bytes(of: bits)
        }
        guard liesFirst else { return [answer] }
        var lie = answer
        lie[0] ^= 0xff
        return [lie, answer]
    }

    private static func bytes(of number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
}

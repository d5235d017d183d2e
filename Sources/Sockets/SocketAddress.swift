package import Glibc

/// Where a socket listens or connects: an IPv4 or IPv6 address with its port, or the path of a Unix socket.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// Address and port in host order.
    case ipv4(UInt32, port: UInt16)
    /// The sixteen bytes as two big-endian halves, in host order.
    case ipv6(UInt64, UInt64, port: UInt16, scope: UInt32)
    /// At most 107 bytes.
    case unix(String)

    package static let unixPathBytesMax = 107

    /// An address in digits, or `unix:` with a path; `nil` for names and for anything malformed.
    ///
    ///     127.0.0.1:8080    [::1]:8080    unix:/run/martlet.sock
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty, path.utf8.count <= Self.unixPathBytesMax else { return nil }
            self = .unix(path)
            return
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let host = String(text[..<colon])
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(digits) else {
            return nil
        }
        self.init(host: host, port: port)
    }

    /// `host` is IPv4, or IPv6 with or without brackets, in digits.
    package init?(host: String, port: UInt16) {
        var ipv4 = in_addr()
        if inet_pton(AF_INET, host, &ipv4) == 1 {
            self = .ipv4(UInt32(bigEndian: ipv4.s_addr), port: port)
            return
        }
        var bare = host
        if bare.hasPrefix("["), bare.hasSuffix("]") { bare = String(bare.dropFirst().dropLast()) }
        var ipv6 = in6_addr()
        guard inet_pton(AF_INET6, bare, &ipv6) == 1 else { return nil }
        self.init(ipv6, port: port, scope: 0)
    }

    private init(_ address: in6_addr, port: UInt16, scope: UInt32) {
        let halves = withUnsafeBytes(of: address) {
            (
                UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        self = .ipv6(halves.0, halves.1, port: port, scope: scope)
    }

    /// Reads what the kernel filled in; `nil` for a family we do not use.
    package init?(_ storage: sockaddr_storage, length: socklen_t) {
        let parsed: SocketAddress? = withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let address = bytes.load(as: sockaddr_in.self)
                return .ipv4(UInt32(bigEndian: address.sin_addr.s_addr), port: UInt16(bigEndian: address.sin_port))
            case AF_INET6:
                let address = bytes.load(as: sockaddr_in6.self)
                return SocketAddress(
                    address.sin6_addr, port: UInt16(bigEndian: address.sin6_port), scope: address.sin6_scope_id)
            case AF_UNIX:
                let path = bytes[MemoryLayout<sa_family_t>.size..<Int(length)].prefix { $0 != 0 }
                return .unix(String(decoding: path, as: UTF8.self))
            default:
                return nil
            }
        }
        guard let parsed else { return nil }
        self = parsed
    }

    package var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    package var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, _, let port, _): port
        case .unix: nil
        }
    }

    /// The same address with another port; a Unix path stays as it is.
    package func with(port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let address, _): .ipv4(address, port: port)
        case .ipv6(let high, let low, _, let scope): .ipv6(high, low, port: port, scope: scope)
        case .unix: self
        }
    }

    /// Whether one socket listening here and another there would be in each other's way.
    package func overlaps(_ other: SocketAddress) -> Bool {
        if case .unix = self { return self == other }
        return port == other.port && (mapped == other.mapped || isWildcard || other.isWildcard)
    }

    /// Every address of its family.
    private var isWildcard: Bool {
        switch self {
        case .ipv4(let address, _): address == 0
        case .ipv6(let high, let low, _, _): high == 0 && low == 0
        case .unix: false
        }
    }

    /// The address without its port, as IPv6 (IPv4 mapped, `::ffff:a.b.c.d`); zero for a Unix socket.
    package var mapped: (high: UInt64, low: UInt64) {
        switch self {
        case .ipv4(let address, _): (0, 0xffff_0000_0000 | UInt64(address))
        case .ipv6(let high, let low, _, _): (high, low)
        case .unix: (0, 0)
        }
    }

    /// The address without its port, to compare.
    package struct Host: Hashable, Sendable {
        private let high: UInt64
        private let low: UInt64

        fileprivate init(_ bits: (high: UInt64, low: UInt64)) { (high, low) = bits }
    }

    package var hostBits: Host { Host(mapped) }

    package func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let length = withUnsafeMutableBytes(of: &storage) { bytes -> Int in
            switch self {
            case .ipv4(let address, let port):
                var value = sockaddr_in()
                value.sin_family = sa_family_t(AF_INET)
                value.sin_addr.s_addr = address.bigEndian
                value.sin_port = port.bigEndian
                bytes.storeBytes(of: value, as: sockaddr_in.self)
                return MemoryLayout<sockaddr_in>.size
            case .ipv6(let high, let low, let port, let scope):
                var value = sockaddr_in6()
                value.sin6_family = sa_family_t(AF_INET6)
                value.sin6_port = port.bigEndian
                value.sin6_scope_id = scope
                withUnsafeMutableBytes(of: &value.sin6_addr) {
                    $0.storeBytes(of: high.bigEndian, as: UInt64.self)
                    $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
                }
                bytes.storeBytes(of: value, as: sockaddr_in6.self)
                return MemoryLayout<sockaddr_in6>.size
            case .unix(let path):
                bytes.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
                var offset = MemoryLayout<sa_family_t>.size
                for byte in path.utf8.prefix(Self.unixPathBytesMax) {
                    bytes[offset] = byte
                    offset += 1
                }
                return offset + 1
            }
        }
        return withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }

    /// Asked for every connection that is accepted, and as short as a String that needs no memory.
    private static func dotted(_ address: UInt32) -> String {
        String(unsafeUninitializedCapacity: 15) { text in
            var count = 0
            func put(_ byte: UInt8) {
                text[count] = byte
                count += 1
            }
            var shift: UInt32 = 32
            repeat {
                shift -= 8
                let part = UInt8(truncatingIfNeeded: address >> shift)
                if part >= 100 { put(0x30 + part / 100) }
                if part >= 10 { put(0x30 + part / 10 % 10) }
                put(0x30 + part % 10)
                if shift > 0 { put(UInt8(ascii: ".")) }
            } while shift > 0
            return count
        }
    }

    /// The address alone, without port: `10.0.0.1`, `2001:db8::1`, or `unix:` for a Unix socket.
    package var host: String {
        switch self {
        case .ipv4(let address, _):
            return Self.dotted(address)
        case .ipv6(let high, let low, _, _):
            var address = in6_addr()
            withUnsafeMutableBytes(of: &address) {
                $0.storeBytes(of: high.bigEndian, as: UInt64.self)
                $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            inet_ntop(AF_INET6, &address, &text, socklen_t(INET6_ADDRSTRLEN))
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        case .unix:
            return "unix:"
        }
    }

    package var description: String {
        switch self {
        case .ipv4(_, let port): "\(host):\(port)"
        case .ipv6(_, _, let port, _): "[\(host)]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

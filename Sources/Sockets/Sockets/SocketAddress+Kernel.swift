package import Glibc
package import Net

/// Addresses in the form that system calls take and give.
extension SocketAddress {
    /// Reads what the kernel filled in; `nil` for a family we do not use.
    package init?(_ storage: sockaddr_storage, length: socklen_t) {
        let parsed: SocketAddress? = withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let address = bytes.load(as: sockaddr_in.self)
                return .ipv4(UInt32(bigEndian: address.sin_addr.s_addr), port: UInt16(bigEndian: address.sin_port))
            case AF_INET6:
                let address = bytes.load(as: sockaddr_in6.self)
                let bits = withUnsafeBytes(of: address.sin6_addr) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }
                return .ipv6(bits, port: UInt16(bigEndian: address.sin6_port), scope: address.sin6_scope_id)
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
            case .ipv6(let bits, let port, let scope):
                var value = sockaddr_in6()
                value.sin6_family = sa_family_t(AF_INET6)
                value.sin6_port = port.bigEndian
                value.sin6_scope_id = scope
                withUnsafeMutableBytes(of: &value.sin6_addr) { $0.storeBytes(of: bits.bigEndian, as: UInt128.self) }
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
}

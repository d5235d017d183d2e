internal import COpenSSL
package import Time

/// The keys that seal session tickets: shared by all workers and listeners, and handed on over configuration reloads.
///
/// Tickets are sealed with the newest key; those of the two before it still open, and are then replaced. Keys never
/// leave the process, so forward secrecy of a resumed session is as long as a key lives: three intervals (RFC 5077,
/// section 5.5). The lock is held only while keys are copied, once a handshake.
package final class TicketKeys: Sendable {
    /// A key's name, sent in clear; then an AES-256 key and an HMAC-SHA-256 key.
    struct Key {
        var name: (UInt64, UInt64) = (0, 0)
        var cipher: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var mac: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

        static func random() -> Key {
            var key = Key()
            withUnsafeMutableBytes(of: &key) { bytes in
                // A process without randomness must not serve.
                precondition(RAND_priv_bytes(bytes.baseAddress, Int32(bytes.count)) == 1, "no random bytes")
            }
            return key
        }

        mutating func erase() {
            withUnsafeMutableBytes(of: &self) { OPENSSL_cleanse($0.baseAddress, $0.count) }
        }
    }

    private struct Ring {
        var current: Key
        var previous: Key?
        var oldest: Key?
        var rotatedAt: Instant

        mutating func erase() {
            current.erase()
            previous?.erase()
            oldest?.erase()
        }
    }

    private let ring: Locked<Ring>
    private let interval: Duration

    /// - Parameter interval: how long a key is the newest; a ticket lives at least one interval, at most three.
    package init(now: Instant, interval: Duration = .seconds(3600)) {
        ring = Locked(Ring(current: .random(), rotatedAt: now))
        self.interval = interval
    }

    deinit { ring.withLock { $0.erase() } }

    /// Makes a new key if the newest has served its interval; says whether it did. Call it from time to time, from any
    /// thread.
    @discardableResult
    package func rotate(now: Instant) -> Bool {
        ring.withLock { ring in
            guard now >= ring.rotatedAt + interval else { return false }
            ring.oldest?.erase()
            ring.oldest = ring.previous
            ring.previous = ring.current
            ring.current = .random()
            ring.rotatedAt = now
            return true
        }
    }

    private var current: Key { ring.withLock { $0.current } }

    private func find(_ name: (UInt64, UInt64)) -> (key: Key, isCurrent: Bool)? {
        ring.withLock { ring in
            if ring.current.name == name { return (ring.current, true) }
            if let key = ring.previous, key.name == name { return (key, false) }
            if let key = ring.oldest, key.name == name { return (key, false) }
            return nil
        }
    }

    // MARK: OpenSSL

    private static let nameCount = 16
    private static let ivCount = 16

    /// Prepares sealing: -1 on failure, else 1.
    func seal(
        name: UnsafeMutablePointer<UInt8>, iv: UnsafeMutablePointer<UInt8>, cipher: OpaquePointer, mac: OpaquePointer
    ) -> Int32 {
        var key = current
        defer { key.erase() }
        guard RAND_bytes(iv, Int32(Self.ivCount)) == 1 else { return -1 }
        withUnsafeBytes(of: key.name) {
            UnsafeMutableRawPointer(name).copyMemory(from: $0.baseAddress!, byteCount: Self.nameCount)
        }
        return Self.arm(key, iv, cipher, mac, encrypt: true) ? 1 : -1
    }

    /// Prepares opening: 0 for an unknown key (a full handshake follows), 2 to open it and give the client a new one,
    /// 1 to open it only, -1 on failure.
    func open(
        name: UnsafePointer<UInt8>, iv: UnsafePointer<UInt8>, cipher: OpaquePointer, mac: OpaquePointer, renewAlways: Bool
    ) -> Int32 {
        let wanted = UnsafeRawPointer(name).loadUnaligned(as: (UInt64, UInt64).self)
        guard let found = find(wanted) else { return 0 }
        var key = found.key
        defer { key.erase() }
        guard Self.arm(key, iv, cipher, mac, encrypt: false) else { return -1 }
        return found.isCurrent && !renewAlways ? 1 : 2
    }

    private static func arm(
        _ key: Key, _ iv: UnsafePointer<UInt8>, _ cipher: OpaquePointer, _ mac: OpaquePointer, encrypt: Bool
    ) -> Bool {
        withUnsafeBytes(of: key.cipher) { bytes in
            EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nil, bytes.baseAddress, iv, encrypt ? 1 : 0) == 1
        }
            && withUnsafeBytes(of: key.mac) { bytes in shim_mac_init_sha256(mac, bytes.baseAddress, bytes.count) == 1 }
    }
}

package import Random

/// `x-request-id`: 128 random bits as 32 hexadecimal digits.
package enum RequestID {
    package static let bytes = 32

    /// Writes exactly `bytes` bytes.
    package static func write(_ random: inout RandomGenerator, to target: UnsafeMutableRawPointer) {
        Hexadecimal.write16(random.next(), to: target)
        Hexadecimal.write16(random.next(), to: target + 16)
    }

    /// Whether an id that a trusted caller sent may be kept: 1 to 128 of letters, digits and `-_.:=+/`, which need no
    /// escape in any log.
    package static func isAcceptable(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 1, bytes.count <= 128 else { return false }
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "/"):
                continue
            default:
                return false
            }
        }
        return true
    }
}

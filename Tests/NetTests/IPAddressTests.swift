import BytesTesting
import Random
import Testing

@testable import Net

@Suite struct IPAddressTests {
    @Test(
        "addresses are read and written in their one canonical form",
        arguments: [
            ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("10.0.0.1", "10.0.0.1"),
            ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::1", "2001:db8::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"), ("1:0:0:4:0:0:0:8", "1:0:0:4::8"), ("0:0:1::", "0:0:1::"),
            ("fe80::1:0:0", "fe80::1:0:0"),
            ("::ffff:1.2.3.4", "1.2.3.4"), ("::ffff:102:304", "1.2.3.4"), ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
            ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("::1.2.3.4", "::102:304"),
        ])
    func canonical(text: String, expected: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == expected)
        #expect(IPAddress(address.description) == address)
    }

    @Test(
        "what is no address is none",
        arguments: [
            "", ".", ":", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4 ",
            "0x1.2.3.4",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", ":::", "1:::2", ":1", "1:", "::1:", "12345::", "g::", "::%eth0",
            "[::1]",
            "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "-1.2.3.4",
        ])
    func refused(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(
        "an address in digits has one shortest form in the family it is written in",
        arguments: [
            ("10.0.0.1", "10.0.0.1"), ("2001:DB8:0::1", "2001:db8::1"), ("::ffff:a00:1", "::ffff:10.0.0.1"),
            ("::FFFF:10.0.0.1", "::ffff:10.0.0.1"), ("10.0.0.01", nil), ("[::1]", nil), ("10.0.0.1\0", nil), ("fe80::1%eth0", nil),
        ] as [(String, String?)])
    func shortest(text: String, expected: String?) { #expect(IPAddress.canonical(text) == expected) }

    @Test("random addresses survive being written and read")
    func roundTrip() {
        var generator = RandomGenerator(seed: 3)
        for _ in 0..<5_000 {
            var bits: UInt128 = 0
            for _ in 0..<8 {
                let group = Bool.random(using: &generator) ? 0 : UInt16.random(in: 0 ... .max, using: &generator)
                bits = bits << 16 | UInt128(group)
            }
            let address = IPAddress(bits: bits)
            #expect(IPAddress(address.description) == address, "\(address)")
        }
    }

    @Test("the kernel's bytes and the text name the same address")
    func networkBytes() {
        let v4: [UInt8] = [10, 0, 0, 1]
        #expect(v4.withUnsafeBytes { IPAddress(networkBytes: $0) } == IPAddress("10.0.0.1"))
        var v6 = [UInt8](repeating: 0, count: 16)
        v6[15] = 1
        #expect(v6.withUnsafeBytes { IPAddress(networkBytes: $0) } == IPAddress("::1"))
        var written = [UInt8](repeating: 9, count: 16)
        written.withUnsafeMutableBytes { IPAddress("::1")!.write(networkBytes: $0.baseAddress!) }
        #expect(written == v6)
        #expect([UInt8](repeating: 0, count: 5).withUnsafeBytes { IPAddress(networkBytes: $0) } == nil)
    }
}

@Suite struct CIDRTests {
    @Test(
        "a block takes the addresses from its first to its last",
        arguments: [
            ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.1.1"], ["9.255.255.255", "11.0.0.0", "::a00:1"]),
            ("10.1.2.3", ["10.1.2.3"], ["10.1.2.2", "10.1.2.4"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "::1", "2001:db8::1"]),
            ("::/0", ["::", "::1", "ffff:ffff::"], ["0.0.0.0", "10.0.0.1", "255.255.255.255"]),
            ("2001:db8::/32", ["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"], ["2001:db7::1", "2001:db9::"]),
            ("::ffff:10.0.0.0/104", ["10.0.0.1"], ["11.0.0.1"]),
            ("192.168.1.128/25", ["192.168.1.128", "192.168.1.255"], ["192.168.1.127", "192.168.2.0"]),
        ])
    func contains(block: String, inside: [String], outside: [String]) throws {
        let set = CIDRSet([try CIDR(block)])
        for text in inside { #expect(set.contains(IPAddress(text)!), "\(text)") }
        for text in outside { #expect(!set.contains(IPAddress(text)!), "\(text)") }
    }

    @Test(
        "a text that is no block says what was expected",
        arguments: [
            ("10.0.0.1/8", .hostBits(suggestion: "10.0.0.0/8")), ("2001:db8::1/32", .hostBits(suggestion: "2001:db8::/32")),
            ("10.0.0.0/33", .prefixLength(max: 32)), ("::/129", .prefixLength(max: 128)), ("10.0.0.0/", .prefixLength(max: 32)),
            ("10.0.0.0/+8", .prefixLength(max: 32)), ("10.0.0.0/8/8", .prefixLength(max: 32)),
            ("10.0.0/8", .notAnAddress), ("localhost", .notAnAddress), ("", .notAnAddress),
        ] as [(String, CIDR.Mistake)])
    func mistakes(text: String, mistake: CIDR.Mistake) {
        #expect(throws: mistake) { try CIDR(text) }
    }

    @Test("a set of random blocks answers as its blocks do one by one")
    func random() throws {
        var generator = RandomGenerator(seed: 11)
        let blocks = try (0..<200).map { _ in
            let length = Int.random(in: 8...32, using: &generator)
            let bits = UInt32.random(in: 0x0a00_0000...0x0a1f_ffff, using: &generator) & (UInt32.max << UInt32(32 - length))
            return try CIDR("\(IPAddress(v4: bits))/\(length)")
        }.filter { $0.first != IPAddress("10.0.0.0") }
        let set = CIDRSet(blocks)
        for _ in 0..<5_000 {
            let address = IPAddress(v4: UInt32.random(in: 0x0a00_0000...0x0a1f_ffff, using: &generator))
            #expect(
                set.contains(address) == blocks.contains { ($0.first.bits...$0.last.bits).contains(address.bits) }, "\(address)")
        }
    }

    @Test("the empty set has nothing in it")
    func empty() {
        #expect(!CIDRSet.empty.contains(IPAddress("0.0.0.0")!))
        #expect(CIDRSet.empty.isEmpty)
    }
}

import BytesTesting
import Testing

@testable import Net

@Suite struct AddressPrefixTests {
    static func text(_ prefix: AddressPrefix, _ address: String) -> String {
        withUnsafeTemporaryAllocation(byteCount: AddressPrefix.textBytesMax, alignment: 1) { text in
            UnsafeRawBufferPointer(rebasing: text[..<prefix.write(IPAddress(address)!, to: text.baseAddress!)]).text
        }
    }

    @Test(
        "an IPv6 address counts by its /64, an IPv4 address alone, in whatever form it comes",
        arguments: [
            ("10.1.2.3", "10.1.2.3"), ("::ffff:10.1.2.3", "10.1.2.3"), ("::ffff:a01:203", "10.1.2.3"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"), ("::1", "::/64"),
            ("64:ff9b::10.1.2.3", "10.1.2.3"), ("64:ff9b::a01:204", "10.1.2.4"), ("64:ff9b:1::a01:204", "64:ff9b:1::/64"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64"),
        ])
    func defaults(address: String, expected: String) { #expect(Self.text(AddressPrefix(), address) == expected) }

    @Test(
        "both lengths can be chosen, none to all",
        arguments: [
            (0, 0, "0.0.0.0/0", "::/0"), (1, 1, "128.0.0.0/1", "8000::/1"), (24, 48, "203.0.113.0/24", "fd00:db8:1::/48"),
            (31, 127, "203.0.113.6/31", "fd00:db8:1:2::6/127"),
            (32, 128, "203.0.113.7", "fd00:db8:1:2::7"),
        ])
    func chosen(ipv4: Int, ipv6: Int, first: String, second: String) {
        let prefix = AddressPrefix(ipv4: ipv4, ipv6: ipv6)
        #expect(Self.text(prefix, "203.0.113.7") == first)
        #expect(Self.text(prefix, "fd00:db8:1:2::7") == second)
    }
}

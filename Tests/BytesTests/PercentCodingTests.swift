import Testing

@testable import Bytes

@Suite struct PercentCodingTests {
    private func encoded(_ bytes: [UInt8], _ kept: PercentCoding.Kept) -> String {
        var buffer = ByteBuffer()
        bytes.withUnsafeBytes { PercentCoding.encode($0, keeping: kept, into: &buffer) }
        return String(decoding: buffer.readable, as: UTF8.self)
    }

    private func decoded(_ text: String) -> [UInt8]? {
        var buffer = ByteBuffer()
        buffer.append("before:")
        let worked = Array(text.utf8).withUnsafeBytes { PercentCoding.decode($0, into: &buffer) }
        let result = Array(buffer.readable.dropFirst(7))
        if !worked { #expect(result.isEmpty) }
        return worked ? result : nil
    }

    @Test(
        "visible text keeps 0x20 to 0x7E except the percent sign",
        arguments: [
            ("plain text", "plain text"), ("100%", "100%25"), ("a\nb\u{7F}", "a%0Ab%7F"), ("grün", "gr%C3%BCn"), ("", ""),
            ("~}|{", "~}|{"), ("\u{1F}\u{20}", "%1F "),
        ])
    func visible(text: String, expected: String) {
        #expect(encoded(Array(text.utf8), .visible) == expected)
    }

    @Test("unreserved keeps letters, digits and -._~ only")
    func unreserved() {
        #expect(encoded(Array("aZ09-._~/?:@ ,".utf8), .unreserved) == "aZ09-._~%2F%3F%3A%40%20%2C")
    }

    @Test("a byte can be taken out of a set")
    func without() {
        #expect(encoded(Array("a,b".utf8), .visible.without(UInt8(ascii: ","))) == "a%2Cb")
        #expect(encoded(Array("%".utf8), .visible.without(UInt8(ascii: ","))) == "%25")
    }

    @Test("every byte survives the way there and back", arguments: [PercentCoding.Kept.visible, .unreserved])
    func roundTrip(kept: PercentCoding.Kept) {
        let all = Array(UInt8.min...UInt8.max)
        #expect(decoded(encoded(all, kept)) == all)
    }

    @Test("escapes are read in both cases", arguments: ["%2f%2F", "%2f/"])
    func bothCases(text: String) {
        #expect(decoded(text) == Array("//".utf8))
    }

    @Test(
        "a percent sign without two digits is refused, and nothing is appended",
        arguments: [
            "%", "%2", "a%", "%zz", "%2g", "%g2", "ok%20%", "%%20", "% 2",
        ])
    func malformed(text: String) {
        #expect(decoded(text) == nil)
    }

    @Test(
        "the lenient reader leaves malformed escapes as they are",
        arguments: [
            ("%", "%"), ("a%2", "a%2"), ("%zz%41", "%zzA"), ("%%41", "%A"), ("50% off%21", "50% off!"),
        ])
    func lenient(text: String, expected: String) {
        var buffer = ByteBuffer()
        Array(text.utf8).withUnsafeBytes { PercentCoding.decodeLeniently($0, into: &buffer) }
        #expect(String(decoding: buffer.readable, as: UTF8.self) == expected)
    }
}

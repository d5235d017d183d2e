import Testing

@testable import Bytes

@Suite struct Base64Tests {
    func decodeURL(_ text: String) -> [UInt8]? { Array(text.utf8).withUnsafeBytes { Base64.decodeURL($0) } }
    func decode(_ text: String) -> [UInt8]? { Array(text.utf8).withUnsafeBytes { Base64.decode($0) } }

    /// RFC 4648, section 10.
    static let vectors = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test("the vectors of RFC 4648 go both ways, padded and not", arguments: vectors)
    func bothWays(plain: String, padded: String) {
        let bytes = Array(plain.utf8)
        let bare = String(padded.prefix { $0 != "=" })
        bytes.withUnsafeBytes {
            #expect(String(decoding: Base64.encode($0), as: UTF8.self) == padded)
            #expect(String(decoding: Base64.encode($0, padded: false), as: UTF8.self) == bare)
            #expect(String(decoding: Base64.encodeURL($0), as: UTF8.self) == bare)
        }
        #expect(decode(padded) == bytes)
        #expect(decode(bare) == bytes)
        #expect(decodeURL(bare) == bytes)
    }

    @Test("every length and byte value survives the round trip, in a buffer behind other bytes")
    func roundTrip() {
        for length in 0..<260 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ length) }
            var text = ByteBuffer(capacity: 16)
            text.append("x")
            bytes.withUnsafeBytes { Base64.encodeURL($0, into: &text) }
            #expect(text.count - 1 == Base64.encodedCount(length, padded: false))
            text.consume(1)
            var back = ByteBuffer(capacity: 16)
            back.append("y")
            #expect(Base64.decodeURL(text.readable, into: &back))
            back.consume(1)
            #expect(Array(back.readable) == bytes)
        }
    }

    @Test("the url alphabet and the standard one refuse each other's last two letters")
    func alphabets() {
        #expect(decodeURL("-_-_") == [0xFB, 0xFF, 0xBF])
        #expect(decode("+/+/") == [0xFB, 0xFF, 0xBF])
        #expect(decodeURL("+/+/") == nil)
        #expect(decode("-_-_") == nil)
    }

    @Test(
        "what is not canonical base64url is refused",
        arguments: ["Z", "Zg==", "Zh", "Zm9", "Zm8=", "Zm 9v", "Zm9v\n", "Zm9vZ", "Zm9\u{e9}", "=", "===="])
    func notCanonical(text: String) { #expect(decodeURL(text) == nil) }

    @Test(
        "padding anywhere but in its place is refused",
        arguments: ["Zg=", "Zg===", "Z===", "=Zg=", "Zm9v=", "Zm9v====", "Zg==Zg==", "Zh==", "Zm9="])
    func wrongPadding(text: String) { #expect(decode(text) == nil) }

    @Test("a refused text leaves the buffer as it was")
    func nothingAppended() {
        var buffer = ByteBuffer()
        buffer.append("kept")
        let refused = Array("Zm9v!m9v".utf8).withUnsafeBytes { Base64.decodeURL($0, into: &buffer) }
        #expect(!refused)
        #expect(Array(buffer.readable) == Array("kept".utf8))
    }
}

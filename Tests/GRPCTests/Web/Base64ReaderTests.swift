import Bytes
import Testing

@testable import GRPC

@Suite("Base64 that comes in pieces")
struct Base64ReaderTests {
    private func read(_ text: String, step: Int) -> (text: String, isAtEnd: Bool)? {
        var reader = Base64Reader()
        var buffer = ByteBuffer()
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + step)
            guard Array(bytes[start..<end]).withUnsafeBytes({ reader.read($0, into: &buffer) }) else { return nil }
            start = end
        }
        return (String(decoding: buffer.readable, as: UTF8.self), reader.isAtEnd)
    }

    @Test("it reads the same wherever it is cut, padding in the middle included", arguments: 1...13)
    func pieces(step: Int) throws {
        let whole = try #require(read("aGVsbG8=LA==IHdvcmxkIHdvcmxkIQ==", step: step))
        #expect(whole.text == "hello, world world!" && whole.isAtEnd)
    }

    @Test("a text that stops within a group is not at its end", arguments: ["a", "aG", "aGV", "aGVsb"])
    func incomplete(text: String) throws {
        #expect(try #require(read(text, step: 2)).isAtEnd == false)
    }

    @Test("what is no base64 is refused", arguments: ["!!!!", "aGV=bG8=x===", "====", "a===", "aG=V", "aGVs\r\n"])
    func refused(text: String) {
        for step in [1, 4, 16] { #expect(read(text, step: step)?.isAtEnd != true) }
    }

    @Test("whatever comes, it means the same wherever it is cut", arguments: 1...4)
    func fuzz(seed: UInt64) {
        var state = seed
        func random(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(truncatingIfNeeded: (state ^ state >> 29) & 0xFFFF_FFFF) % count
        }
        let seeds = [
            "aGVsbG8=LA==IHdvcmxkIHdvcmxkIQ==", "AAAAAAUKA2FiYw==gAAAAA9ncnBjLXN0YXR1czogMA0K", "AAECAwQFBgcICQoLDA0ODw==",
        ]
        let telling = Array("=AZaz09+/-_ \r\n!".utf8) + [0, 0x80, 0xFF]
        for _ in 0..<1500 {
            var bytes = Array(seeds[random(seeds.count)].utf8)
            for _ in 0...random(3) {
                let place = random(bytes.count)
                switch random(3) {
                case 0: bytes[place] = telling[random(telling.count)]
                case 1: bytes.remove(at: place)
                default: bytes.insert(telling[random(telling.count)], at: place)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let whole = read(text, step: 1000)
            for step in [1, 3, 5] {
                let cut = read(text, step: step)
                #expect(cut?.text == whole?.text && cut?.isAtEnd == whole?.isAtEnd, "\(text)")
            }
        }
    }
}

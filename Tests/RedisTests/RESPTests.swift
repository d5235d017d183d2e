import Bytes
import Testing

@testable import Redis

@Suite struct RESPTests {
    @Test("an argument is bytes, whatever is in it")
    func arguments() {
        #expect(text(command("GET", "a\r\nDEL b", "")) == "*3\r\n$3\r\nGET\r\n$8\r\na\r\nDEL b\r\n$0\r\n\r\n")
        let numbers = RESPCommand()
        numbers.add("N")
        numbers.add(decimal: .max)
        numbers.add { $0.append(byte: 0) }
        #expect(text(numbers) == "*3\r\n$1\r\nN\r\n$20\r\n18446744073709551615\r\n$1\r\n\0\r\n")
    }

    @Test("a command longer than its memory at first is whole, can be sent again, and leaves nothing behind")
    func grows() {
        let long = String(repeating: "x", count: 5000)
        let builder = command("SET", "k", long, "EX")
        #expect(text(builder) == text(builder))
        #expect(text(builder).utf8.count == 5000 + 7 + 40 - 10)
        builder.removeAll()
        builder.add("PING")
        #expect(text(builder) == "*1\r\n$4\r\nPING\r\n")
    }

    private func replies(_ text: String, piece: Int) throws -> [String] {
        let reader = RESPReader()
        var found: [String] = []
        let bytes = Array(text.utf8)
        var offset = 0
        while offset < bytes.count {
            let end = min(offset + piece, bytes.count)
            try bytes[offset..<end].withUnsafeBytes { try reader.feed($0) }
            while let reply = try reader.next() { found.append(describe(reply)) }
            offset = end
        }
        return found
    }

    @Test("replies of every kind, nested, cut anywhere", arguments: [1, 2, 3, 7, 1000])
    func replies(piece: Int) throws {
        let text =
            "+OK\r\n:-42\r\n$5\r\na\r\nbc\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n-ERR no\r\n*3\r\n:1\r\n*2\r\n+a\r\n*1\r\n$1\r\nz\r\n:3\r\n:9\r\n"
        #expect(
            try replies(text, piece: piece) == [
                "+OK", "-42", "\"a\r\nbc\"", "null", "null", "0[]", "\"\"", "-ERR no", "3[1 2[+a 1[\"z\"]] 3]", "9",
            ])
    }

    @Test(
        "what is not RESP2 is a failure, not a crash",
        arguments: ["HTTP/1.1 400\r\n", "$99999999999999999999\r\n", "*1000000\r\n:1\r\n*x\r\n", "%1\r\n+a\r\n+b\r\n"])
    func malformed(text: String) { #expect(throws: RedisFailure.self) { try replies(text, piece: 1) } }

    @Test("a reply with more elements or bytes than we hold is refused while it comes")
    func tooLarge() throws {
        let elements = { (count: Int) in "*\(count)\r\n" + String(repeating: ":1\r\n", count: count) }
        #expect(try replies(elements(65535), piece: 4096).count == 1)
        #expect(throws: RedisFailure.self) { try replies(elements(65536), piece: 4096) }
        let string = "$3000000\r\n" + String(repeating: "x", count: 3_000_000) + "\r\n"
        #expect(throws: RedisFailure.self) { try replies(string, piece: 16384) }
        let half = "$700000\r\n" + String(repeating: "x", count: 700_000) + "\r\n"
        #expect(throws: RedisFailure.self) { try replies("*3\r\n" + half + half + half, piece: 16384) }
    }

    @Test("ten thousand readers come and go, half of them in the middle of a reply")
    func comeAndGo() throws {
        for index in 0..<10_000 {
            let reader = RESPReader()
            try withBytes(index % 2 == 0 ? "*2\r\n$3\r\nabc\r\n$10\r\nxy" : "+OK\r\n") { try reader.feed($0) }
            _ = try reader.next()
        }
    }
}

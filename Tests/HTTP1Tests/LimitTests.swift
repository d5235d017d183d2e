import HTTPModel
import Testing
@testable import HTTP1

@Suite struct LimitTests {
    private func read(_ text: String, _ limits: HTTP1Limits) -> String {
        let (whole, different) = readings(wire(text)) { Transcript.requests($0, pieces: $1, limits: limits) }
        #expect(different == [])
        return String(whole.split(separator: "\n").last ?? "")
    }

    private func limits(_ change: (inout HTTP1Limits) -> Void) -> HTTP1Limits {
        var limits = HTTP1Limits()
        change(&limits)
        return limits
    }

    @Test("a request line is read up to its limit and refused one byte above")
    func requestLine() {
        let limits = limits { $0.startLineBytesMax = 40 }
        let frame = "GET / HTTP/1.1".utf8.count
        for (extra, last) in [(40 - frame, "end "), (41 - frame, "failed targetTooLong"), (300, "failed targetTooLong")] {
            let path = "/" + String(repeating: "a", count: extra)
            #expect(read("GET \(path) HTTP/1.1\nHost: a\n\n", limits) == last)
        }
    }

    @Test("an endless line is refused before it ends")
    func endlessLine() {
        let limits = limits { $0.startLineBytesMax = 40; $0.fieldBytesMax = 80 }
        #expect(read(String(repeating: "a", count: 42), limits) == "failed targetTooLong")
        #expect(read(String(repeating: "a", count: 41), limits) == "")
        let head = "GET / HTTP/1.1\n"
        #expect(read(head + String(repeating: "a", count: 79), limits) == "")
        #expect(read(head + String(repeating: "a", count: 80), limits) == "failed fieldsTooLarge")
    }

    @Test("field bytes are counted as name, value and 32, or as sent if that is more")
    func fieldBytes() {
        // host: a counts 4 + 1 + 32 = 37; x: … counts 33 and its value.
        let limits = limits { $0.fieldBytesMax = 100 }
        #expect(read("GET / HTTP/1.1\nHost: a\nX: \(String(repeating: "v", count: 30))\n\n", limits) == "end ")
        #expect(
            read("GET / HTTP/1.1\nHost: a\nX: \(String(repeating: "v", count: 31))\n\n", limits)
                == "failed fieldsTooLarge")
        // 63 bytes with the line break, nearly all of them spaces.
        #expect(read("GET / HTTP/1.1\nHost: a\nX:\(String(repeating: " ", count: 58))v\n\n", limits) == "end ")
        #expect(
            read("GET / HTTP/1.1\nHost: a\nX:\(String(repeating: " ", count: 59))v\n\n", limits)
                == "failed fieldsTooLarge")
    }

    @Test("fields are counted up to their limit and refused one above")
    func fieldCount() {
        let limits = limits { $0.fieldsMax = 3 }
        #expect(read("GET / HTTP/1.1\nHost: a\nX: 1\nX: 2\n\n", limits) == "end ")
        #expect(read("GET / HTTP/1.1\nHost: a\nX: 1\nX: 2\nX: 3\n\n", limits) == "failed tooManyFields")
    }

    @Test("trailers have the limits of a head, by themselves")
    func trailers() {
        let limits = limits { $0.fieldsMax = 2 }
        let head = "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0\n"
        #expect(read(head + "X: 1\nX: 2\n\n", limits) == "end x=1|x=2")
        #expect(read(head + "X: 1\nX: 2\nX: 3\n\n", limits) == "failed tooManyFields")
    }

    @Test("a body is read up to its limit and refused one byte above, announced or in chunks")
    func body() {
        let limits = limits { $0.bodyBytesMax = 4 }
        let head = "POST / HTTP/1.1\nHost: a\n"
        #expect(read(head + "Content-Length: 4\n\nabcd", limits) == "end ")
        #expect(read(head + "Content-Length: 5\n\nabcde", limits) == "failed bodyTooLarge")
        #expect(read(head + "Transfer-Encoding: chunked\n\n2\nab\n2\ncd\n0\n\n", limits) == "end ")
        #expect(read(head + "Transfer-Encoding: chunked\n\n2\nab\n3\ncde\n0\n\n", limits) == "failed bodyTooLarge")
    }

    @Test("chunk extensions are bounded over the whole message")
    func chunkExtensions() {
        let limits = limits { $0.chunkExtensionBytesMax = 4 }
        let head = "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n"
        #expect(read(head + "1;x\na\n1;y\nb\n0\n\n", limits) == "end ")
        #expect(read(head + "1;x\na\n1;yy\nb\n0\n\n", limits) == "failed chunkExtensionsTooLarge")
        #expect(read(head + "1;\(String(repeating: "x", count: 40))", limits) == "failed chunkExtensionsTooLarge")
    }

    @Test("a method of 32 bytes is read and one of 33 is not implemented")
    func method() {
        let limits = HTTP1Limits()
        #expect(read("\(String(repeating: "M", count: 32)) / HTTP/1.1\nHost: a\n\n", limits) == "end ")
        #expect(read("\(String(repeating: "M", count: 33)) / HTTP/1.1\nHost: a\n\n", limits) == "failed methodTooLong")
        #expect(HTTP1Failure.methodTooLong.answer == 501)
    }

    @Test("every failure has an answer and words")
    func answers() {
        for failure in HTTP1Failure.allCases {
            #expect((400...505).contains(failure.answer))
            #expect(failure.text.utf8CodeUnitCount > 0)
        }
        #expect(HTTP1Failure.bareLineFeed.answer == 400)
        #expect(HTTP1Failure.unsupportedVersion.answer == 505)
        #expect(HTTP1Failure.tooManyFields.answer == 431)
        #expect(HTTP1Failure.targetTooLong.answer == 414)
    }
}

import Bytes
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
        let limits = limits {
            $0.startLineBytesMax = 40; $0.fieldBytesMax = 80
        }
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

    @Test("where a section may be larger than what is kept, it is read to its end, up to that", arguments: [true, false])
    func sectionBytes(isRequest: Bool) throws {
        let limits = limits {
            $0.fieldBytesMax = 100; $0.fieldsMax = 3; $0.sectionBytesMax = 300
        }
        // Kept: host or date, 37 or 37. Read: 300, whatever is kept of them; name, value and 32 again.
        func message(_ lines: String) -> String {
            (isRequest ? "POST / HTTP/1.1\nHost: a\n" : "HTTP/1.1 200 OK\nDate: a\n") + lines + "Content-Length: 2\n\nab"
        }
        func outcome(_ text: String) -> (tooLarge: Bool, fields: [String], failure: HTTP1Failure?) {
            var fields = FieldBlock()
            defer { fields.destroy() }
            var request = RequestReader(limits: limits)
            var response = ResponseReader(limits: limits)
            response.expect(method: .post)
            var input = ByteBuffer()
            input.append(wire(text))
            var isHead = false
            do throws(HTTP1Failure) {
                while !isHead {
                    if isRequest {
                        let step = try request.next(input.readable, into: &fields)
                        input.consume(step.consumed)
                        isHead = step.event == .head
                    } else {
                        let step = try response.next(input.readable, into: &fields)
                        input.consume(step.consumed)
                        isHead = step.event == .head
                    }
                }
            } catch {
                return (false, [], error)
            }
            #expect((isRequest ? request.head.body : response.head.body) == .length(2))
            return (isRequest ? request.isTooLarge : response.isTooLarge, fields.all.map(\.nameText), nil)
        }
        #expect(outcome(message("")).tooLarge == false)
        // Content-Length counts 47: with a field of 33 it is beyond what is kept, and still frames the body.
        let small = outcome(message("X: \n"))
        #expect(small.tooLarge && small.fields.suffix(2) == [isRequest ? "host" : "date", "x"])
        // 37 and 47 leave 216.
        let most = String(repeating: "v", count: 216 - 33)
        #expect(outcome(message("X: \(most)\n")).tooLarge)
        #expect(outcome(message("X: \(most)v\n")).failure == .fieldsTooLarge)
        #expect(outcome(message("A:\nB:\nC:\n")).tooLarge)
    }

    /// Up to the end of `text`, or to the failure.
    private func readAll(_ text: String, by reader: inout RequestReader, into fields: inout FieldBlock) -> HTTP1Failure? {
        var input = ByteBuffer()
        input.append(wire(text))
        do throws(HTTP1Failure) {
            while true {
                let step = try reader.next(input.readable, into: &fields)
                input.consume(step.consumed)
                if step.event == .needsMore || step.event == .end { return nil }
            }
        } catch {
            return error
        }
    }

    @Test(
        "of a head that is not read to its end the request line and the fields before the cut stay",
        arguments: [
            "x: \(String(repeating: "v", count: 400))", "x: \(String(repeating: "v", count: 250))\nOrigin: b\n",
            "\(String(repeating: "y", count: 400))",
        ], [false, true])
    func cutHead(rest: String, isAbsolute: Bool) {
        let limits = limits {
            $0.fieldBytesMax = 100; $0.sectionBytesMax = 300
        }
        var fields = FieldBlock()
        defer { fields.destroy() }
        var reader = RequestReader(limits: limits)
        let text = "POST \(isAbsolute ? "http://a" : "")/x HTTP/1.1\nHost: a\nContent-Type: b\n\(rest)"
        #expect(readAll(text, by: &reader, into: &fields) == .fieldsTooLarge)
        #expect(reader.isHeadCut && reader.isTooLarge)
        #expect(reader.head.target.elementsEqual("/x".utf8) && reader.head.authority.elementsEqual("a".utf8))
        #expect(fields.all.map(\.nameText) == ["host", "content-type"])
    }

    @Test(
        "no head is cut where a request line or trailers are too large, or a field is malformed",
        arguments: [
            "GET /\(String(repeating: "a", count: 100))", "GET / HTTP/1.1\nHost: a\nx y\n",
            "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0\nx: \(String(repeating: "v", count: 100))\n",
        ])
    func uncutHead(text: String) {
        var fields = FieldBlock()
        defer { fields.destroy() }
        var reader = RequestReader(
            limits: limits {
                $0.fieldBytesMax = 100; $0.startLineBytesMax = 40
            })
        #expect(readAll(text, by: &reader, into: &fields) != nil)
        #expect(!reader.isHeadCut)
    }

    @Test("what a refusal is made from is kept of a head that is too large, once and within bounds")
    func refusalFields() {
        let limits = limits {
            $0.fieldBytesMax = 100; $0.sectionBytesMax = 8000
        }
        var fields = FieldBlock()
        defer { fields.destroy() }
        var reader = RequestReader(limits: limits)
        let long = String(repeating: "o", count: 513)
        let text =
            "POST / HTTP/1.1\nx: \(String(repeating: "v", count: 200))\nOrigin: \(long)\nHost: a\nOrigin: b\nOrigin: c\nConnect-Timeout-Ms: 1\nX: 2\n"
            + "X-Y: \(String(repeating: "v", count: 200))\nConnect-Protocol-Version: 1\nContent-Type: \(long)\nContent-Type: d\n\n"
        #expect(readAll(text, by: &reader, into: &fields) == nil && reader.isTooLarge && !reader.isHeadCut)
        // Those that fit into what is kept are there for that alone.
        let kept = fields.all.map { "\($0.nameText) \($0.valueCount)" }
        #expect(kept == ["host 1", "origin 1", "connect-timeout-ms 1", "connect-protocol-version 1", "content-type 256"])
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

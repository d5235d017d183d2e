import HTTPModel
import Testing

@testable import HTTP1

struct RequestCase: Sendable, CustomTestStringConvertible {
    let text: String
    let reading: String

    init(_ text: String, _ reading: String) {
        self.text = text
        self.reading = reading
    }

    var testDescription: String { String(text.debugDescription.prefix(60)) }
}

@Suite struct RequestReaderTests {
    static let good: [RequestCase] = [
        RequestCase("GET / HTTP/1.1\nHost: a\n\n", "GET / a http11 none keep host=a\nend "),
        RequestCase("\nGET / HTTP/1.1\nHost: a\n\n", "GET / a http11 none keep host=a\nend "),
        RequestCase(
            "GET /a?b=c&d HTTP/1.1\nHOST:a:80\nX-Empty:\nX-Spaced: \t v w \t\n\n",
            "GET /a?b=c&d a:80 http11 none keep host=a:80|x-empty=|x-spaced=v w\nend "),
        RequestCase("GET http://A.b/x HTTP/1.1\nHost: a.B\n\n", "GET /x A.b http11 none keep host=a.B\nend "),
        RequestCase("GET HTTPS://a?q HTTP/1.1\nHost: a\n\n", "GET /?q a http11 none keep host=a\nend "),
        RequestCase("OPTIONS http://a HTTP/1.1\nHost: a\n\n", "OPTIONS * a http11 none keep host=a\nend "),
        RequestCase("OPTIONS * HTTP/1.1\nHost: a\n\n", "OPTIONS * a http11 none keep host=a\nend "),
        RequestCase("PROPFIND /%2f HTTP/1.1\nHost: a\n\n", "PROPFIND /%2f a http11 none keep host=a\nend "),
        RequestCase("GET / HTTP/1.0\n\n", "GET /  http10 none close \nend "),
        RequestCase(
            "GET / HTTP/1.0\nConnection: Keep-Alive\n\n", "GET /  http10 none keep connection=Keep-Alive\nend "),
        RequestCase(
            "GET / HTTP/1.1\nHost: a\nConnection: x, Close\n\n",
            "GET / a http11 none close host=a|connection=x, Close\nend "),
        RequestCase(
            "POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello",
            "POST / a http11 length(5) keep host=a|content-length=5\nbody hello\nend "),
        RequestCase(
            "POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n",
            "POST / a http11 length(0) keep host=a|content-length=0\nend "),
        RequestCase(
            "POST / HTTP/1.1\nHost: a\nContent-Length: 2\nExpect: 100-Continue\n\nhi",
            "POST / a http11 length(2) keep expects host=a|content-length=2|expect=100-Continue\nbody hi\nend "),
        RequestCase(
            "GET / HTTP/1.1\nHost: a\nExpect: 100-continue\n\n",
            "GET / a http11 none keep host=a|expect=100-continue\nend "),
        RequestCase(
            "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: Chunked\n\n3\nabc\n00A;x=\"y; z\";w\n0123456789\n0\n\n",
            "POST / a http11 chunked keep host=a|transfer-encoding=Chunked\nbody abc0123456789\nend "),
        RequestCase(
            "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n1 ;x\na\n0\nX-Sum: 1\nY: 2\n\n",
            "POST / a http11 chunked keep host=a|transfer-encoding=chunked\nbody a\nend x-sum=1|y=2"),
        RequestCase(
            "GET /1 HTTP/1.1\nHost: a\n\nPOST /2 HTTP/1.1\nHost: b\nContent-Length: 1\n\nxGET /3 HTTP/1.1\nHost: c\n\n",
            "GET /1 a http11 none keep host=a\nend \nPOST /2 b http11 length(1) keep host=b|content-length=1\nbody x\nend "
                + "\nGET /3 c http11 none keep host=c\nend "),
        RequestCase("GET / HTTP/1.1\nHost: a\nX: \u{E4}\n\n", "GET / a http11 none keep host=a|x=\u{E4}\nend "),
        RequestCase("GET / HTTP/1.1\nHost: a\n", ""),
        RequestCase(
            "POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhel",
            "POST / a http11 length(5) keep host=a|content-length=5\nbody hel"),
    ]

    @Test("a good request reads the same however it is cut", arguments: good)
    func reads(_ request: RequestCase) {
        let (whole, different) = readings(wire(request.text)) { Transcript.requests($0, pieces: $1) }
        #expect(whole == request.reading)
        #expect(different == [])
    }

    static let bad: [RequestCase] = [
        // The request line.
        RequestCase("GET /\n", "malformedRequestLine"),
        RequestCase("GET\n", "malformedRequestLine"),
        RequestCase(" GET / HTTP/1.1\n", "malformedRequestLine"),
        RequestCase("GET  / HTTP/1.1\n", "badTarget"),
        RequestCase("GET /  HTTP/1.1\n", "badTarget"),
        RequestCase("GET / HTTP/1.1 \n", "malformedRequestLine"),
        RequestCase("GET\t/\tHTTP/1.1\n", "malformedRequestLine"),
        RequestCase("GET / x HTTP/1.1\n", "badTarget"),
        RequestCase("G@T / HTTP/1.1\n", "malformedRequestLine"),
        RequestCase("GET / http/1.1\n", "malformedRequestLine"),
        RequestCase("GET / HTTP/1.11\n", "malformedRequestLine"),
        RequestCase("GET / HTTP/11\n", "malformedRequestLine"),
        RequestCase("GET / HTTP/2.0\n", "unsupportedVersion"),
        RequestCase("GET / HTTP/1.2\n", "unsupportedVersion"),
        RequestCase("GET / HTTP/0.9\n", "unsupportedVersion"),
        RequestCase("PRI * HTTP/2.0\n", "unsupportedVersion"),
        RequestCase("\n\nGET / HTTP/1.1\nHost: a\n\n", "malformedRequestLine"),
        RequestCase("GET / HTTP/1.1\u{B}Host: a\n\n", "bareLineFeed"),
        RequestCase("\u{B}GET / HTTP/1.1\nHost: a\n\n", "bareLineFeed"),
        RequestCase("GET / HTTP/1.1\rHost: a\n\n", "malformedRequestLine"),
        RequestCase("GET / HTTP/1.1\r\nHost: a\n\n", "malformedRequestLine"),
        RequestCase("CONNECT a:443 HTTP/1.1\n", "connectNotSupported"),
        RequestCase("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\n", "malformedRequestLine"),
        // The target.
        RequestCase("GET a HTTP/1.1\n", "badTarget"),
        RequestCase("GET * HTTP/1.1\n", "badTarget"),
        RequestCase("OPTIONS *x HTTP/1.1\n", "badTarget"),
        RequestCase("GET /#a HTTP/1.1\n", "badTarget"),
        RequestCase("GET /\u{0} HTTP/1.1\n", "badTarget"),
        RequestCase("GET /\u{E4} HTTP/1.1\n", "badTarget"),
        RequestCase("GET http:// HTTP/1.1\n", "badTarget"),
        RequestCase("GET http:///x HTTP/1.1\n", "badTarget"),
        RequestCase("GET http://u:p@a/ HTTP/1.1\n", "badTarget"),
        RequestCase("GET ftp://a/ HTTP/1.1\n", "badTarget"),
        RequestCase("GET a:80 HTTP/1.1\n", "badTarget"),
        // Host.
        RequestCase("GET / HTTP/1.1\n\n", "missingHost"),
        RequestCase("GET http://a/ HTTP/1.1\n\n", "missingHost"),
        RequestCase("GET / HTTP/1.1\nHost: a\nHost: a\n\n", "repeatedHost"),
        RequestCase("GET / HTTP/1.1\nHost: a\nhost: b\n\n", "repeatedHost"),
        RequestCase("GET / HTTP/1.0\nHost: a\nHost: a\n\n", "repeatedHost"),
        RequestCase("GET / HTTP/1.1\nHost:\n\n", "badHost"),
        RequestCase("GET / HTTP/1.1\nHost: a, b\n\n", "badHost"),
        RequestCase("GET / HTTP/1.1\nHost: a/b\n\n", "badHost"),
        RequestCase("GET / HTTP/1.1\nHost: u@a\n\n", "badHost"),
        RequestCase("GET http://a/ HTTP/1.1\nHost: b\n\n", "hostContradictsTarget"),
        RequestCase("GET http://a/ HTTP/1.1\nHost: a:80\n\n", "hostContradictsTarget"),
        // Field lines.
        RequestCase("GET / HTTP/1.1\nHost: a\nX : 1\n\n", "malformedFieldName"),
        RequestCase("GET / HTTP/1.1\nHost: a\nX\n\n", "malformedFieldName"),
        RequestCase("GET / HTTP/1.1\nHost: a\n: 1\n\n", "malformedFieldName"),
        RequestCase("GET / HTTP/1.1\nHost: a\nX(: 1\n\n", "malformedFieldName"),
        RequestCase("GET / HTTP/1.1\nHost: a\nX\u{0}Y: 1\n\n", "malformedFieldName"),
        RequestCase("GET / HTTP/1.1\nHost: a\n\u{E4}: 1\n\n", "malformedFieldName"),
        RequestCase("GET / HTTP/1.1\nHost: a\nX: 1\n  folded\n\n", "foldedField"),
        RequestCase("GET / HTTP/1.1\n Host: a\n\n", "foldedField"),
        RequestCase("GET / HTTP/1.1\nHost: a\nX: 1\n\tfolded\n\n", "foldedField"),
        RequestCase("GET / HTTP/1.1\nHost: a\u{B}\n", "bareLineFeed"),
        RequestCase("GET / HTTP/1.1\nHost: a\n\u{B}", "bareLineFeed"),
        RequestCase("GET / HTTP/1.1\nHost: a\nX: 1\u{B}Y: 2\n\n", "bareLineFeed"),
        RequestCase("GET / HTTP/1.1\nHost: a\nX: 1\rY: 2\n\n", "badFieldValue"),
        RequestCase("GET / HTTP/1.1\nHost: a\nX: \u{0}\n\n", "badFieldValue"),
        RequestCase("GET / HTTP/1.1\nHost: a\nX: \u{1}\n\n", "badFieldValue"),
        RequestCase("GET / HTTP/1.1\nHost: a\nX: \u{7F}\n\n", "badFieldValue"),
        // The length of the body.
        RequestCase("POST / HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 2\n\n", "repeatedContentLength"),
        RequestCase("POST / HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 1\n\n", "repeatedContentLength"),
        RequestCase("POST / HTTP/1.1\nHost: a\nContent-Length: 1, 1\n\n", "badContentLength"),
        RequestCase("POST / HTTP/1.1\nHost: a\nContent-Length: +1\n\n", "badContentLength"),
        RequestCase("POST / HTTP/1.1\nHost: a\nContent-Length: -1\n\n", "badContentLength"),
        RequestCase("POST / HTTP/1.1\nHost: a\nContent-Length: 0x1\n\n", "badContentLength"),
        RequestCase("POST / HTTP/1.1\nHost: a\nContent-Length: 1 2\n\n", "badContentLength"),
        RequestCase("POST / HTTP/1.1\nHost: a\nContent-Length:\n\n", "badContentLength"),
        RequestCase("POST / HTTP/1.1\nHost: a\nContent-Length: 9223372036854775808\n\n", "badContentLength"),
        RequestCase("POST / HTTP/1.1\nHost: a\nContent-Length: 18446744073709551617\n\n", "badContentLength"),
        RequestCase(
            "POST / HTTP/1.1\nHost: a\nContent-Length: 3\nTransfer-Encoding: chunked\n\n", "lengthAndTransferEncoding"),
        RequestCase(
            "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nContent-Length: 3\n\n", "lengthAndTransferEncoding"),
        RequestCase(
            "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n", "badTransferEncoding"),
        RequestCase("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked, chunked\n\n", "badTransferEncoding"),
        RequestCase("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked, identity\n\n", "badTransferEncoding"),
        RequestCase("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: identity\n\n", "badTransferEncoding"),
        RequestCase("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: xchunked\n\n", "badTransferEncoding"),
        RequestCase("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked;q=1\n\n", "badTransferEncoding"),
        RequestCase("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: ,chunked\n\n", "badTransferEncoding"),
        RequestCase("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: \u{B}chunked\n\n", "bareLineFeed"),
        RequestCase("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip, chunked\n\n", "unsupportedTransferCoding"),
        RequestCase("POST / HTTP/1.0\nHost: a\nTransfer-Encoding: chunked\n\n", "transferEncodingInHTTP10"),
        RequestCase("POST / HTTP/1.1\nHost: a\nExpect: magic\n\n", "unknownExpectation"),
    ]

    @Test("a bad head is refused for its own reason however it is cut", arguments: bad)
    func refuses(_ request: RequestCase) {
        let (whole, different) = readings(wire(request.text)) { Transcript.requests($0, pieces: $1) }
        #expect(whole == "failed \(request.reading)")
        #expect(different == [])
    }

    static let badChunks: [RequestCase] = [
        RequestCase("x\na\n0\n\n", "badChunkSize"),
        RequestCase("\na\n0\n\n", "badChunkSize"),
        RequestCase(" 1\na\n0\n\n", "badChunkSize"),
        RequestCase("1 \na\n0\n\n", "badChunkSize"),
        RequestCase("+1\na\n0\n\n", "badChunkSize"),
        RequestCase("0x1\na\n0\n\n", "badChunkSize"),
        RequestCase("1x\na\n0\n\n", "badChunkSize"),
        RequestCase("0000000000000001\na\n0\n\n", "badChunkSize"),
        RequestCase("FFFFFFFFFFFFFFFF\na", "badChunkSize"),
        RequestCase("1;x\u{0}\na\n0\n\n", "badChunkSize"),
        RequestCase("1;x\ry\na\n0\n\n", "badChunkSize"),
        RequestCase("1\u{B}a\n0\n\n", "bareLineFeed"),
        RequestCase("1;x\u{B}a\n0\n\n", "bareLineFeed"),
        RequestCase("1\nab\n0\n\n", "badChunkEnd"),
        RequestCase("1\na\u{B}0\n\n", "badChunkEnd"),
        RequestCase("1\na\r0\n\n", "badChunkEnd"),
        RequestCase("0\nX : 1\n\n", "malformedFieldName"),
        RequestCase("0\nContent-Length: 1\n\n", "forbiddenTrailer"),
        RequestCase("0\nTransfer-Encoding: chunked\n\n", "forbiddenTrailer"),
        RequestCase("0\nHost: b\n\n", "forbiddenTrailer"),
        RequestCase("0\nAuthorization: b\n\n", "forbiddenTrailer"),
        RequestCase("0\n\u{B}", "bareLineFeed"),
    ]

    @Test("a bad chunk is refused for its own reason however it is cut", arguments: badChunks)
    func refusesChunks(_ chunks: RequestCase) {
        let head = "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n"
        let (whole, different) = readings(wire(head + chunks.text)) { Transcript.requests($0, pieces: $1) }
        #expect(whole.split(separator: "\n").last.map(String.init) == "failed \(chunks.reading)")
        #expect(different == [])
    }

    @Test("a connection that failed stays failed")
    func staysFailed() throws {
        var reader = RequestReader()
        var fields = FieldBlock()
        defer { fields.destroy() }
        for text in ["BAD\n", "GET / HTTP/1.1\nHost: a\n\n"] {
            #expect(throws: HTTP1Failure.malformedRequestLine) {
                try wire(text).withUnsafeBytes { _ = try reader.next($0, into: &fields) }
            }
        }
    }

    @Test("nothing of a second request is read before it is asked for")
    func pausesBetweenRequests() throws {
        var reader = RequestReader()
        var fields = FieldBlock()
        defer { fields.destroy() }
        let first = wire("GET /1 HTTP/1.1\nHost: a\n\n")
        try (first + wire("junk")).withUnsafeBytes { bytes in
            let head = try reader.next(bytes, into: &fields)
            #expect(head.event == .head)
            #expect(head.consumed == first.count)
            let rest = UnsafeRawBufferPointer(rebasing: bytes[head.consumed...])
            let end = try reader.next(rest, into: &fields)
            #expect(end.event == .end)
            #expect(end.consumed == 0)
            #expect(reader.isIdle)
        }
    }
}

import HTTPModel
import Testing

@testable import HTTP1

struct ResponseCase: Sendable, CustomTestStringConvertible {
    let text: String
    let methods: [HTTPMethod]
    let reading: String

    init(_ text: String, _ methods: [HTTPMethod] = [.get], _ reading: String) {
        self.text = text
        self.methods = methods
        self.reading = reading
    }

    var testDescription: String { String(text.debugDescription.prefix(60)) }
}

@Suite struct ResponseReaderTests {
    static let cases: [ResponseCase] = [
        ResponseCase(
            "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
            "200 http11 length(2) keep content-length=2\nbody hi\nend \nclosed needsMore"),
        ResponseCase("HTTP/1.1 200\nContent-Length: 0\n\n", "200 http11 length(0) keep content-length=0\nend \nclosed needsMore"),
        ResponseCase(
            "HTTP/1.1 200 \nTransfer-Encoding: chunked\n\n2\nhi\n0\nX: 1\n\n",
            "200 http11 chunked keep transfer-encoding=chunked\nbody hi\nend x=1\nclosed needsMore"),
        ResponseCase("HTTP/1.1 200 OK\n\nuntil the end", "200 http11 untilClose close \nbody until the end\nclosed end"),
        ResponseCase("HTTP/1.0 200 OK\n\nold", "200 http10 untilClose close \nbody old\nclosed end"),
        ResponseCase(
            "HTTP/1.0 200 OK\nConnection: keep-alive\nContent-Length: 1\n\nx",
            "200 http10 length(1) keep connection=keep-alive|content-length=1\nbody x\nend \nclosed needsMore"),
        ResponseCase(
            "HTTP/1.1 200 OK\nConnection: close\nContent-Length: 1\n\nx",
            "200 http11 length(1) close connection=close|content-length=1\nbody x\nend \nclosed needsMore"),
        ResponseCase(
            "HTTP/1.1 200 OK\nContent-Length: 9\n\n", [.head],
            "200 http11 none keep content-length=9\nend \nclosed needsMore"),
        ResponseCase(
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", [.head],
            "200 http11 none keep transfer-encoding=chunked\nend \nclosed needsMore"),
        ResponseCase("HTTP/1.1 204 No Content\n\n", "204 http11 none keep \nend \nclosed needsMore"),
        ResponseCase(
            "HTTP/1.1 204 No Content\nContent-Length: 3\n\n", "204 http11 none close content-length=3\nend \nclosed needsMore"),
        ResponseCase(
            "HTTP/1.1 304 Not Modified\nContent-Length: 7\n\n",
            "304 http11 none keep content-length=7\nend \nclosed needsMore"),
        ResponseCase(
            "HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nLink: x\n\nHTTP/1.1 200 OK\nContent-Length: 1\n\nx",
            "interim 100 \ninterim 103 link=x\n200 http11 length(1) keep content-length=1\nbody x\nend \nclosed needsMore"),
        ResponseCase(
            "HTTP/1.1 200 OK\nContent-Length: 1\n\naHTTP/1.1 404 Not Found\nContent-Length: 1\n\nb", [.get, .post],
            "200 http11 length(1) keep content-length=1\nbody a\nend \n404 http11 length(1) keep content-length=1\nbody b\n"
                + "end \nclosed needsMore"),
        // Cut short.
        ResponseCase("", "closed truncated"),
        ResponseCase("HTTP/1.1 200 O", "closed truncated"),
        ResponseCase("HTTP/1.1 200 OK\nX: 1\n", "closed truncated"),
        ResponseCase(
            "HTTP/1.1 200 OK\nContent-Length: 3\n\nhi",
            "200 http11 length(3) keep content-length=3\nbody hi\nclosed truncated"),
        ResponseCase(
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nhi\n",
            "200 http11 chunked keep transfer-encoding=chunked\nbody hi\nclosed truncated"),
        ResponseCase(
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\n",
            "200 http11 chunked keep transfer-encoding=chunked\nclosed truncated"),
        // A length behind chunks frames nothing.
        ResponseCase(
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nhi\n0\nContent-Length: 2\nX-Sum: 1\n\n",
            "200 http11 chunked keep transfer-encoding=chunked\nbody hi\nend x-sum=1\nclosed needsMore"),
        ResponseCase(
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\nTransfer-Encoding: chunked\n\n",
            "200 http11 chunked keep transfer-encoding=chunked\nfailed forbiddenTrailer"),
        // Wrong.
        ResponseCase(
            "HTTP/1.1 200 OK\nContent-Length: 1\n\nxy",
            "200 http11 length(1) keep content-length=1\nbody x\nend \nfailed unsolicitedResponse"),
        ResponseCase("HTTP/1.1 101 Switching Protocols\nUpgrade: h2c\n\n", "failed unexpectedUpgrade"),
        ResponseCase("HTTP/1.1 100 Continue\nContent-Length: 2\n\n", "failed badContentLength"),
        ResponseCase("HTTP/1.1 100 Continue\nTransfer-Encoding: chunked\n\n", "failed badTransferEncoding"),
        ResponseCase("HTTP/1.1 099 x\n\n", "failed malformedStatusLine"),
        ResponseCase("HTTP/1.1 600 x\n\n", "failed malformedStatusLine"),
        ResponseCase("HTTP/1.1 20 OK\n\n", "failed malformedStatusLine"),
        ResponseCase("HTTP/1.1 2000 OK\n\n", "failed malformedStatusLine"),
        ResponseCase("HTTP/1.1  200 OK\n\n", "failed malformedStatusLine"),
        ResponseCase("HTTP/2.0 200 OK\n\n", "failed unsupportedVersion"),
        ResponseCase("ICY 200 OK\n\n", "failed malformedStatusLine"),
        ResponseCase("HTTP/1.1 200 O\u{0}K\n\n", "failed malformedStatusLine"),
        ResponseCase("HTTP/1.1 200 OK\u{B}X: 1\n\n", "failed bareLineFeed"),
        ResponseCase(
            "HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 1\n\nx", "failed repeatedContentLength"),
        ResponseCase(
            "HTTP/1.1 200 OK\nContent-Length: 1\nTransfer-Encoding: chunked\n\n", "failed lengthAndTransferEncoding"),
        ResponseCase("HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n", "failed transferEncodingInHTTP10"),
        ResponseCase("HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n", "failed unsupportedTransferCoding"),
        ResponseCase("HTTP/1.1 200 OK\nX: 1\n folded\n\n", "failed foldedField"),
    ]

    @Test("a response reads the same however it is cut", arguments: cases)
    func reads(_ response: ResponseCase) {
        let (whole, different) = readings(wire(response.text)) {
            Transcript.responses($0, to: response.methods, pieces: $1)
        }
        #expect(whole == response.reading)
        #expect(different == [])
    }

    @Test("interim responses are bounded")
    func interimBound() {
        var limits = HTTP1Limits()
        limits.interimResponsesMax = 2
        let interim = "HTTP/1.1 100 Continue\n\n"
        let final = "HTTP/1.1 204 x\n\n"
        func last(_ text: String) -> Substring? {
            Transcript.responses(wire(text), to: [.get], pieces: [1000], limits: limits).split(separator: "\n").last
        }
        #expect(last(interim + interim + final) == "closed needsMore")
        #expect(last(interim + interim + interim + final) == "failed tooManyInterimResponses")
    }
}

extension ResponseCase {
    init(_ text: String, _ reading: String) { self.init(text, [.get], reading) }
}

import Bytes
import GRPC
import HTTPModel
import Routing
import Snapshots
import Testing

@testable import Calls

/// Heads on their way through, both ways.
@Suite struct HeadTests {
    /// A stream of a worker, with the fields that arrived on it.
    final class Worker {
        let streams = StreamPool(chunks: ChunkPool())
        let scratch = UnsafeMutableBufferPointer<Field>.allocate(capacity: 256)
        private var taken: [StreamPointer] = []

        func stream(_ fields: [(String, String)] = [], trailers: [(String, String)] = []) -> StreamPointer {
            let stream = streams.acquire()
            taken.append(stream)
            for (name, value) in fields { stream.fields.append(name, value) }
            stream.trailersStart = fields.count
            for (name, value) in trailers { stream.fields.append(name, value) }
            return stream
        }

        deinit {
            for stream in taken { streams.release(stream) }
            scratch.deallocate()
        }
    }

    static func text(_ fields: some Sequence<Field>) -> [String] { fields.map { "\($0.nameText): \($0.valueText)" } }

    static let head = [(":method", "POST"), (":scheme", "https"), (":path", "/p.S/M?q=1"), (":authority", "Api.Acme.dev:443")]

    /// The request as it goes upstream; the caller's stream is gone by then.
    func request(
        _ more: [(String, String)] = [], head: [(String, String)] = HeadTests.head,
        _ change: (inout RequestHead.Additions) -> Void = { _ in }
    ) throws -> [Field] {
        let worker = Worker()
        let source = worker.stream(head + more)
        let target = worker.stream()
        var additions = RequestHead.Additions()
        change(&additions)
        let facts = try HeadFacts(&source.fields, HeadCache())
        let written = RequestHead.write(
            method: facts.method, target: facts.target, from: source, to: target, additions, scratch: worker.scratch)
        // The bytes must not lie in the caller's arena.
        source.fields.reset()
        for _ in 0..<20 { source.fields.append("overwritten", String(repeating: "#", count: 90)) }
        texts = Self.text(written)
        kept.append(worker)
        return Array(written)
    }

    private final class Kept { var workers: [Worker] = []; var texts: [String] = [] }
    private let box = Kept()
    private var texts: [String] {
        get { box.texts }
        nonmutating set { box.texts = newValue }
    }
    private var kept: [Worker] {
        get { box.workers }
        nonmutating set { box.workers = newValue }
    }

    @Test("trailers that arrived behind the head do not go up with it, nor as what only the gateway says")
    func trailersStayBehind() throws {
        let worker = Worker()
        let source = worker.stream(Self.head, trailers: [("x-tenant", "other"), ("x-checksum", "1")])
        let facts = try HeadFacts(&source.fields, HeadCache())
        let written = RequestHead.write(
            method: facts.method, target: facts.target, from: source, to: worker.stream(), RequestHead.Additions(),
            scratch: worker.scratch)
        #expect(!Self.text(written).contains { $0.hasPrefix("x-checksum") || $0.hasPrefix("x-tenant") })
        let claims = ClaimHeaders([(Array("x-tenant".utf8), Array("acme".utf8))])
        defer { withExtendedLifetime(claims) {} }
        let trailers = ResponseHead.trailers(
            from: source, to: worker.stream(), without: Borrowed(claims), scratch: worker.scratch)
        #expect(Self.text(try #require(trailers)) == ["x-checksum: 1"])
    }

    @Test("credentials for a proxy stay here, in both directions; announcements of trailers pass")
    func proxyCredentials() throws {
        _ = try request([("proxy-authorization", "Basic x"), ("proxy-authenticate", "Basic"), ("trailer", "x-sum"), ("x-a", "1")])
        #expect(!texts.contains { $0.hasPrefix("proxy-") })
        #expect(texts.contains("trailer: x-sum") && texts.contains("x-a: 1"))
        let worker = Worker()
        let source = worker.stream(
            [
                (":status", "200"), ("proxy-authenticate", "Basic"), ("proxy-authorization", "x"), ("trailer", "x-sum"),
                ("x-a", "1"),
            ],
            trailers: [("proxy-authenticate", "Basic"), ("content-length", "3"), ("x-sum", "1")])
        let head = ResponseHead.write(from: source, to: worker.stream(), status: 200, scratch: worker.scratch)
        #expect(Self.text(head) == [":status: 200", "trailer: x-sum", "x-a: 1"])
        #expect(Self.text(ResponseHead.trailers(from: source, to: worker.stream(), scratch: worker.scratch)) == ["x-sum: 1"])
    }

    @Test("pseudo-header fields come first, the path and authority as sent, the scheme as the upstream is spoken to")
    func pseudoFields() throws {
        _ = try request()
        #expect(Array(texts.prefix(4)) == [":method: POST", ":scheme: http", ":path: /p.S/M?q=1", ":authority: Api.Acme.dev:443"])
        _ = try request { $0.isUpstreamSecure = true }
        #expect(texts[1] == ":scheme: https")
        _ = try request(head: [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "h")])
        #expect(Array(texts.prefix(4)) == [":method: GET", ":scheme: http", ":path: /", ":authority: h"])
        #expect(!texts.contains { $0.hasPrefix("host:") })
    }

    @Test(
        "what was for this hop only stays here",
        arguments: [
            "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "expect",
        ])
    func hopByHop(name: String) throws {
        _ = try request([(name, "x"), ("x-own", "1")])
        #expect(!texts.contains { $0.hasPrefix("\(name):") })
        #expect(texts.contains("x-own: 1"))
    }

    @Test("te: trailers is always sent, once, whatever the caller sent", arguments: ["trailers", "gzip", ""])
    func te(value: String) throws {
        _ = try request([("te", value)])
        #expect(texts.filter { $0.hasPrefix("te:") } == ["te: trailers"])
    }

    @Test("the forwarding fields are ours: a caller's own copies are replaced")
    func forwarding() throws {
        let lies = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "gopher"), ("x-request-id", "mine")]
        let (address, id) = (Array("10.0.0.9".utf8), Array("0123".utf8))
        _ = try address.withUnsafeBytes { address in
            try id.withUnsafeBytes { id in
                try request(lies) {
                    $0.forwardedFor = address
                    $0.forwardedProto = "https"
                    $0.requestID = id
                }
            }
        }
        #expect(texts.filter { $0.hasPrefix("x-forwarded-for:") } == ["x-forwarded-for: 10.0.0.9"])
        #expect(texts.filter { $0.hasPrefix("x-forwarded-proto:") } == ["x-forwarded-proto: https"])
        #expect(texts.filter { $0.hasPrefix("x-request-id:") } == ["x-request-id: 0123"])
    }

    @Test("grpc-timeout is what is left, and none where there is no deadline")
    func timeout() throws {
        _ = try request([("grpc-timeout", "10H")])
        #expect(!texts.contains { $0.hasPrefix("grpc-timeout:") })
        _ = try request([("grpc-timeout", "10H")]) { $0.remaining = .milliseconds(1500) }
        let sent = texts.filter { $0.hasPrefix("grpc-timeout:") }
        #expect(sent.count == 1)
        #expect(["grpc-timeout: 1500m", "grpc-timeout: 1500000u"].contains(sent.first))
    }

    @Test("a token goes on only where it shall, and never into a table")
    func token() throws {
        _ = try request([("authorization", "Bearer x")])
        #expect(!texts.contains { $0.hasPrefix("authorization") })
        let fields = try request([("authorization", "Bearer x")]) { $0.forwardsToken = true }
        #expect(texts.contains("authorization: Bearer x"))
        let index = try #require(texts.firstIndex(of: "authorization: Bearer x"))
        #expect(fields[index].flags.contains(.neverIndexed))
    }

    @Test("claims are sent under their names; a caller's own copies go, also where the claim is missing")
    func claims() throws {
        let claims = ClaimHeaders([
            (Array("x-tenant".utf8), Array("acme".utf8)), (Array("x-plan".utf8), nil),
        ])
        let fields = try request([("x-tenant", "evil"), ("x-plan", "pro"), ("x-tenants", "other")]) {
            $0.claims = Borrowed(claims)
        }
        #expect(texts.filter { $0.hasPrefix("x-tenant:") } == ["x-tenant: acme"])
        #expect(!texts.contains { $0.hasPrefix("x-plan:") })
        #expect(texts.contains("x-tenants: other"))
        #expect(fields.last?.flags.contains(.neverIndexed) == true)
    }

    @Test("all else goes on in its order, repeated names and fields that are never indexed as well")
    func others() throws {
        let more = [
            ("content-type", "application/grpc"), ("x-a", "1"), ("grpc-encoding", "gzip"), ("x-a", "2"), ("user-agent", "u"),
        ]
        _ = try request(more)
        #expect(Array(texts.dropFirst(4).prefix(5)) == more.map { "\($0.0): \($0.1)" })
    }

    @Test("an answer's head loses what was for its hop only")
    func answer() {
        let worker = Worker()
        let source = worker.stream(
            [(":status", "203"), ("content-type", "application/grpc"), ("connection", "close"), ("te", "x"), ("x-a", "1")],
            trailers: [("grpc-status", "0")])
        let target = worker.stream()
        let written = ResponseHead.write(from: source, to: target, status: 203, scratch: worker.scratch)
        #expect(Self.text(written) == [":status: 203", "content-type: application/grpc", "x-a: 1"])
    }

    @Test("trailers move into the caller's arena, and there are none where none came")
    func trailers() throws {
        let worker = Worker()
        let source = worker.stream(
            [(":status", "200")], trailers: [("grpc-status", "5"), ("connection", "x"), ("grpc-message", "no")])
        let target = worker.stream()
        let kept = target.fields.keepFields(ResponseHead.trailers(from: source, to: target, scratch: worker.scratch))
        source.fields.reset()
        for _ in 0..<20 { source.fields.append("overwritten", String(repeating: "#", count: 90)) }
        #expect(Self.text(kept) == ["grpc-status: 5", "grpc-message: no"])
        let bare = worker.stream([(":status", "200")])
        #expect(ResponseHead.trailers(from: bare, to: target, scratch: worker.scratch).isEmpty)
        let hop = worker.stream([(":status", "200")], trailers: [("connection", "x")])
        #expect(ResponseHead.trailers(from: hop, to: target, scratch: worker.scratch).isEmpty)
    }

    @Test(
        "the status is a number of three digits, or none",
        arguments: [
            ("200", 200), ("999", 999), ("000", 0), ("20", 0), ("2000", 0), ("2x0", 0), ("", 0),
        ])
    func status(text: String, number: Int) {
        let worker = Worker()
        #expect(worker.stream([(":status", text)]).fields.status == number)
        #expect(worker.stream().fields.status == 0)
    }

    @Test(
        "an answer that is not gRPC becomes a status, unless it has one",
        arguments: [
            ([(":status", "200"), ("content-type", "application/grpc")], false, true),
            ([(":status", "200"), ("content-type", "Application/GRPC+proto")], false, true),
            ([(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "0")], true, true),
            ([(":status", "200"), ("content-type", "application/grpc")], true, false),
            ([(":status", "200"), ("content-type", "text/html")], false, false),
            ([(":status", "200"), ("content-type", "application/gr")], false, false),
            ([(":status", "200")], false, false),
            ([(":status", "503"), ("content-type", "text/html")], false, false),
            ([(":status", "503"), ("grpc-status", "14")], true, true),
        ])
    func answerCheck(fields: [(String, String)], ended: Bool, isGood: Bool) {
        let worker = Worker()
        let stream = worker.stream(fields)
        let status = stream.fields.status
        let refusal = AnswerCheck.refusal(stream, status: status, ended: ended)
        #expect((refusal == nil) == isGood)
    }
}

import Bytes
import DNS
import Gateway
import HTTP1
import HTTP2
import HTTPModel
internal import Matching
internal import Net
internal import Routing
import Telemetry
import Time

extension FuzzEntry {
    static let networks: [FuzzEntry] = [
        FuzzEntry("content lengths of HTTP/1.1") { input in
            read("POST /a HTTP/1.1\r\nhost: a:\(input.text())\r\ncontent-length: \(input.text())\r\n\r\nabc")
        },
        FuzzEntry("chunks of HTTP/1.1") { input in
            let (first, second) = (input.text(), String(input.number(), radix: 16))
            read("POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\(first)\r\nabc\r\n\(second)\r\nabc")
            read("POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n\(second);a=\(first)\r\nabc")
        },
        FuzzEntry("HTTP/1.1 answers") { input in
            let text =
                "HTTP/1.1 \(input.index % 3 == 0 ? input.text() : "200") OK\r\n"
                + (input.index % 2 == 0
                    ? "content-length: \(input.text())\r\n\r\nabc"
                    : "transfer-encoding: chunked\r\n\r\n\(String(input.number(), radix: 16))\r\nabc\r\n0\r\n\r\n")
            var fields = FieldBlock()
            defer { fields.destroy() }
            var reader = ResponseReader()
            reader.expect(method: .get)
            var rest = Array(text.utf8)
            while let step = withBytes(rest, { try? reader.next($0, into: &fields) }), step.event != .needsMore, step.consumed > 0 {
                rest.removeFirst(step.consumed)
            }
        },
        FuzzEntry("HTTP/2 frames", inputs: 1500) { input in
            let (first, second) = (UInt32(truncatingIfNeeded: input.number()), UInt32(truncatingIfNeeded: input.number()))
            func four(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
            func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
                Array(four(UInt32(payload.count)).dropFirst()) + [type, flags] + four(stream) + payload
            }
            let settings = frame(4, 0, 0, [1, 3, 4, 5, 6].flatMap { [0, $0] + four($0 % 2 == 0 ? first : second) })
            let frames =
                settings + frame(6, 0, 0, four(first) + four(second)) + frame(8, 0, first, four(second))
                + frame(3, 0, first, four(second)) + frame(7, 0, 0, four(first) + four(second))
            let events = EventQueue()
            let session = Session(
                .client, limits: .defaults, pool: StreamPool(chunks: ChunkPool()), events: events, memory: NGHTTP2Allocator())
            withBytes(input.damaged(frames)) { _ = try? session.receive(BufferSlice($0), now: 1) }
            events.deliver(now: 1) { _ in }
            _ = session.peerStreamLimit
        },
        FuzzEntry("queries and paths that routes ask about") { input in
            var fields = FieldBlock()
            defer { fields.destroy() }
            fields.append(":method", "GET")
            fields.append(":path", "/\(input.text())?a=\(input.text())&\(input.text())=%\(input.text())")
            guard let facts = try? HeadFacts(&fields, HeadCache()) else { return }
            _ = matches.route(for: facts, fields: fields)
            _ = matches.refusedByMethod(facts, fields: fields)
        },
        FuzzEntry("authorities of requests") { input in
            let port = input.text()
            for host in ["a.b", "10.0.0.1", "[::1]", ""] { withBytes("\(host):\(port)") { _ = Authority($0) } }
        },
        FuzzEntry("where requests come from") { input in
            var fields = FieldBlock()
            defer { fields.destroy() }
            fields.append("x-forwarded-for", "1.2.3.4:\(input.text()), [::1]:\(input.text()), 10.0.0.1:\(input.text())")
            let trusted = CIDRSet((try? [CIDR("0.0.0.0/0")]) ?? [])
            _ = ClientOrigin(peer: IPAddress(v4: 0x7F00_0001), fields: fields, trusted: trusted)
            _ = withBytes("00-\(input.text())-\(input.text())-01") { TraceContext(parsing: $0) }
        },
        FuzzEntry("resolv.conf") { input in
            let settings = ResolverSettings(
                resolvConf:
                    "options timeout:\(input.text()) attempts:\(input.text()) ndots:\(input.text())\nnameserver 10.0.0.1:\(input.text())"
            )
            _ = settings.timeout * settings.attempts
        },
        FuzzEntry("DNS messages") { input in
            let (ttl, count) = (UInt32(truncatingIfNeeded: input.number()), UInt16(truncatingIfNeeded: input.number()))
            func two(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
            func four(_ number: UInt32) -> [UInt8] { two(UInt16(number >> 16)) + two(UInt16(number & 0xFFFF)) }
            let record = [1, 0x61, 0] + two(1) + two(1) + four(ttl) + two(input.index % 2 == 0 ? 4 : count) + [10, 0, 0, 1]
            let message = two(7) + two(0x8180) + two(0) + two(input.index % 2 == 0 ? 1 : count) + two(0) + two(0) + record
            guard let read = try? MessageReader.read(input.damaged(message)) else { return }
            for record in read.answers { _ = Instant.now() + .seconds(Int64(record.ttlSeconds)) }
        },
    ]
}

/// Reads a request of HTTP/1.1 to where it ends or is refused.
private func read(_ text: String) {
    var fields = FieldBlock()
    defer { fields.destroy() }
    var reader = RequestReader()
    var rest = Array(text.utf8)
    while let step = withBytes(rest, { try? reader.next($0, into: &fields) }), step.event != .needsMore, step.consumed > 0 {
        rest.removeFirst(step.consumed)
    }
}

/// Nothing takes what these do not.
private let matches = RouteTable(
    [
        .init(RouteMatch(httpMethods: ["POST"], query: [FieldMatch(parameter: "a", .exact("1"))])),
        .init(RouteMatch(query: [FieldMatch(parameter: "b", ValueMatch(anyOf: [.suffix("é"), .absent]))])),
        .init(RouteMatch(target: .regex(try! RegularExpression("(/[a-z0-9]+)+")))),
        .init(
            RouteMatch(
                listeners: ["l"], authorities: [.suffix("a"), .exact("b")],
                targets: [.services(below: "a"), .services(below: "a.b"), .service("a.B")])),
    ], listeners: ["l"], seed: 1)

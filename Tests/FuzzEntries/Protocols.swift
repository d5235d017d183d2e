import Bytes
import Compression
import Crypto
import Gateway
import GRPC
import HTTP1
import HTTP2
import HTTPModel
import JOSE
import Protobuf
import Redis
import Telemetry
import Time
import Transcoding

extension FuzzEntry {
    static let protocols: [FuzzEntry] = [
        FuzzEntry("timeouts") { input in
            for unit in ["H", "M", "S", "m", "u", "n", ""] {
                guard let timeout = withBytes(input.text() + unit, { GRPCTimeout($0) }) else { continue }
                _ = Instant.now() + timeout.duration
                withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { _ = GRPCTimeout.write(timeout.duration, to: $0.baseAddress!) }
            }
            _ = withBytes(input.text()) { Pushback($0) }
            _ = withBytes(input.text()) { StatusCode(field: $0) }
        },
        FuzzEntry("HTTP/1.1 requests") { input in
            let head = "POST /a HTTP/1.1\r\nhost: a:\(input.text())\r\n"
            let body = input.index % 2 == 0
                ? "content-length: \(input.text())\r\n\r\nabc"
                : "transfer-encoding: chunked\r\n\r\n\(input.text())\r\nabc\r\n\(String(input.number(), radix: 16))\r\n"
            var fields = FieldBlock()
            defer { fields.destroy() }
            var reader = RequestReader()
            var rest = Array((head + body).utf8)
            while let step = withBytes(rest, { try? reader.next($0, into: &fields) }), step.event != .needsMore, step.consumed > 0 {
                rest.removeFirst(step.consumed)
            }
        },
        FuzzEntry("HTTP/1.1 answers") { input in
            let text = "HTTP/1.1 \(input.index % 3 == 0 ? input.text() : "200") OK\r\n"
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
            let frames = settings + frame(6, 0, 0, four(first) + four(second)) + frame(8, 0, first, four(second))
                + frame(3, 0, first, four(second)) + frame(7, 0, 0, four(first) + four(second))
            let session = Session(.client, limits: .defaults, pool: StreamPool(chunks: ChunkPool()), memory: FreelistMemory())
            withBytes(input.damaged(frames)) { try? session.receive($0, now: 1) }
            _ = session.peerStreamLimit
            session.die()
        },
        FuzzEntry("messages' frames") { input in
            let length = UInt32(truncatingIfNeeded: input.number())
            let bytes = [UInt8(truncatingIfNeeded: input.number() & 1)] + withUnsafeBytes(of: length.bigEndian) { Array($0) } + [1, 2, 3]
            withBytes(bytes) { bytes in
                var reader = GRPC.MessageReader(payloadBytesMax: UInt32(truncatingIfNeeded: input.number()))
                reader.receive(bytes)
                _ = try? reader.next()
                _ = reader.waitingBytes
                var tracker = BoundaryTracker()
                tracker.pass(bytes)
                _ = tracker.passKnown(bytes)
            }
        },
        FuzzEntry("protobuf") { input in
            var writer = ByteWriter()
            writer.field(1, input.number())
            writer.field(input.number() >> 3, input.number())
            writer.field(2, length: input.number(), bytes: [1, 2, 3])
            withBytes(input.damaged(writer.bytes)) { bytes in
                var reader = WireReader(bytes)
                while let tag = try? reader.next() { if (try? reader.skip(tag)) == nil { break } }
                var cursor = WireCursor(bytes)
                while !cursor.isAtEnd { guard let tag = try? cursor.tag(), (try? cursor.skip(tag)) != nil else { break } }
                _ = try? HealthCheck.status(inResponse: bytes)
                _ = try? ReflectionAnswer.read(bytes)
                _ = try? FileOutline(bytes)
            }
        },
        FuzzEntry("transcoding", inputs: 6000) { input in Transcoded.shared.run(&input) },
        FuzzEntry("redis replies") { input in
            let reader = RESPReader()
            let text = ":\(input.text())\r\n*\(input.text())\r\n:\(input.text())\r\n$\(input.text())\r\nabc\r\n"
            withBytes(text) { bytes in
                guard (try? reader.feed(bytes)) != nil else { return }
                while let reply = try? reader.next() { _ = reply.integer.clamped(to: 0...9) }
            }
        },
        FuzzEntry("gzip", inputs: 2000) { input in
            let size = UInt32(truncatingIfNeeded: input.number())
            // "abc", with any size at its end.
            let whole = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x4B, 0x4C, 0x4A, 0x06, 0, 0xC2, 0x41, 0x24, 0x35]
                + withUnsafeBytes(of: size.littleEndian) { Array($0) }
            var inflater = Inflater(InflateLimits(
                outputBytesMax: Int(truncatingIfNeeded: input.number() >> 1), ratioMax: 1 + Int(truncatingIfNeeded: input.number() >> 2)))
            withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { room in
                _ = withBytes(input.damaged(whole)) { try? inflater.step($0, into: room) }
            }
        },
        FuzzEntry("tokens", inputs: 1500) { input in
            let claims = #"{"iss":"i","aud":"a","exp":\#(input.text()),"nbf":\#(input.text()),"iat":\#(input.text())}"#
            Tokens.shared.verify(claims, now: WallTime(nanoseconds: input.number()))
        },
        FuzzEntry("request heads") { input in
            var fields = FieldBlock()
            defer { fields.destroy() }
            fields.append("x-forwarded-for", "1.2.3.4:\(input.text()), [::1]:\(input.text()), 10.0.0.1:\(input.text())")
            let trusted = CIDRSet((try? [CIDR("0.0.0.0/0")]) ?? [])
            _ = ClientOrigin(peer: IPAddress(v4: 0x7F00_0001), fields: fields, trusted: trusted)
            _ = try? CIDR("10.0.0.0/\(input.text())")
            withBytes("a.b:\(input.text())") { _ = AuthorityGrammar.isValid($0) }
            _ = withBytes("00-\(input.text())-\(input.text())-01") { TraceContext(parsing: $0) }
        },
    ]
}

/// A token that is signed, whatever it says.
private final class Tokens: Sendable {
    static let shared = Tokens()
    private let issuers: [TrustedIssuer]

    private init() {
        let set = #"{"keys":[{"kty":"oct","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE","alg":"HS256"}]}"#
        issuers = [TrustedIssuer(IssuerPolicy(issuer: "i", audiences: ["a"]), keys: try? KeySet.parse(Array(set.utf8), rules: .local))]
    }

    func verify(_ claims: String, now: WallTime) {
        guard let key = try? MintingKey(secret: .init(Array("01234567890123456789012345678901".utf8)), algorithm: .hs256),
            let token = try? TokenMinter.mint(claims: claims, with: key, keyID: nil)
        else { return }
        _ = withBytes(token) { try? TokenVerifier.verify($0, trusting: issuers, at: now) }
    }
}

/// A message with a field of every kind of number, read from JSON and query, and written back.
private final class Transcoded: @unchecked Sendable {
    static let shared = Transcoded()
    private let plan: TranscodingPlan
    private let types: [UInt64] = [1, 2, 3, 4, 5, 6, 7, 13, 15, 16, 17, 18]

    private init() {
        var message = ByteWriter()
        message.field(1, text: "M")
        for (index, type) in types.enumerated() { message.field(2, bytes: Self.field("f\(index)", UInt64(index) + 1, type, nil)) }
        message.field(2, bytes: Self.field("t", 20, 11, ".google.protobuf.Timestamp"))
        message.field(2, bytes: Self.field("d", 21, 11, ".google.protobuf.Duration"))
        var method = ByteWriter()
        method.field(1, text: "Get")
        method.field(2, text: ".a.M")
        method.field(3, text: ".a.M")
        var service = ByteWriter()
        service.field(1, text: "S")
        service.field(2, bytes: method.bytes)
        var file = ByteWriter()
        file.field(1, text: "a.proto")
        file.field(2, text: "a")
        file.field(3, text: "w.proto")
        file.field(4, bytes: message.bytes)
        file.field(6, bytes: service.bytes)
        file.field(12, text: "proto3")
        var known = ByteWriter()
        known.field(1, text: "w.proto")
        known.field(2, text: "google.protobuf")
        for name in ["Timestamp", "Duration"] {
            var time = ByteWriter()
            time.field(1, text: name)
            time.field(2, bytes: Self.field("seconds", 1, 3, nil))
            time.field(2, bytes: Self.field("nanos", 2, 5, nil))
            known.field(4, bytes: time.bytes)
        }
        known.field(12, text: "proto3")
        plan = TranscodingPlan(schema: try! Schema(files: [known.bytes, file.bytes]))
    }

    private static func field(_ name: String, _ number: UInt64, _ type: UInt64, _ typeName: String?) -> [UInt8] {
        var field = ByteWriter()
        field.field(1, text: name)
        field.field(3, number)
        field.field(4, 1)
        field.field(5, type)
        if let typeName { field.field(6, text: typeName) }
        return field.bytes
    }

    func run(_ input: inout FuzzInput) {
        let match = BindingMatch()
        let name = "f\(input.index % types.count)"
        let (number, other) = (input.text(), input.text())
        let body = #"{"\#(name)":\#(number),"f2":"\#(other)","d":"\#(other)s","t":"\#(number)-01-01T00:00:00.\#(other)Z"}"#
        let query = "\(name)=\(number)&d=\(other)s&t=\(other)"
        let request = RequestTranscoder(plan: plan)
        var output = ByteBuffer()
        for (query, body) in [("", body), (query, ""), ("", #"{"\#(name)":\#(number)}"#), ("", #"{"d":"\#(number)s"}"#)] {
            withBytes(query) { query in
                _ = withBytes("/a.S/Get") { path in
                    withBytes("POST") { plan.match(method: $0, path: path, query: query, into: match) }
                }
                guard withBytes("application/json", { (try? request.begin(match, contentType: $0)) != nil }) else { return }
                _ = withBytes(body) { try? request.feed($0, isLast: true, into: &output) }
            }
        }
        var message = ByteWriter()
        for index in types.indices { message.field(UInt64(index) + 1, input.number()) }
        var time = ByteWriter()
        time.field(1, input.number())
        time.field(2, input.number())
        message.field(20 + UInt64(input.index % 2), bytes: time.bytes)
        let response = ResponseTranscoder(plan: plan)
        response.begin(match, form: .single)
        _ = withBytes(input.index % 3 == 0 ? message.bytes : time.bytes) { try? response.append(message: $0, to: &output) }
        var only = ByteWriter()
        only.field(20 + UInt64(input.index % 2), bytes: time.bytes)
        response.begin(match, form: .single)
        _ = withBytes(only.bytes) { try? response.append(message: $0, to: &output) }
    }
}

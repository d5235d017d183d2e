import Testing
import Time

@testable import Telemetry

private func json(_ entry: AccessLogEntry) -> String {
    var line = AccessLogLine()
    defer { line.destroy() }
    return String(decoding: line.compose(entry), as: UTF8.self)
}

@Suite struct AccessLogLineTests {
    @Test("a full entry is one line of JSON with every field")
    func full() {
        var entry = AccessLogEntry(time: WallTime(nanoseconds: 1_767_225_599_123_999_999))
        entry.requestID = AccessLogEntry.text("9b1d")
        entry.downstreamAddress = AccessLogEntry.text("10.0.0.1:5000")
        entry.protocolName = AccessLogEntry.text("HTTP/2")
        entry.authority = AccessLogEntry.text("api.acme.dev")
        entry.method = AccessLogEntry.text("POST")
        entry.path = AccessLogEntry.text("/acme.Orders/Get?access_token=secret")
        entry.grpcService = AccessLogEntry.text("acme.Orders")
        entry.grpcMethod = AccessLogEntry.text("Get")
        entry.route = AccessLogEntry.text("orders")
        entry.cluster = AccessLogEntry.text("orders")
        entry.upstreamAddress = AccessLogEntry.text("10.0.0.2:50051")
        entry.status = 200
        entry.grpcStatus = 0
        entry.responseFlag = AccessLogEntry.text("RL")
        entry.detail = AccessLogEntry.text("said \"no\"")
        entry.bytesReceived = 1
        entry.bytesSent = 2
        entry.durationMicroseconds = 3
        entry.upstreamDurationMicroseconds = 0
        entry.attempts = 2
        entry.tenant = AccessLogEntry.text("t")
        entry.subject = AccessLogEntry.text("s")
        entry.issuer = AccessLogEntry.text("https://i")
        entry.tlsVersion = AccessLogEntry.text("TLSv1.3")
        entry.userAgent = AccessLogEntry.text("grpc")
        entry.trace = TraceContext(traceHigh: 1, traceLow: 0xAB, span: 1, flags: 0)
        #expect(
            json(entry) == #"{"time":"2025-12-31T23:59:59.123Z","request_id":"9b1d","#
                + #""downstream_address":"10.0.0.1:5000","protocol":"HTTP/2","authority":"api.acme.dev","method":"POST","#
                + #""path":"/acme.Orders/Get","grpc_service":"acme.Orders","grpc_method":"Get","route":"orders","#
                + #""cluster":"orders","upstream_address":"10.0.0.2:50051","status":200,"grpc_status":0,"#
                + #""response_flags":"RL","detail":"said \"no\"","bytes_received":1,"bytes_sent":2,"duration_us":3,"#
                + #""upstream_duration_us":0,"attempts":2,"tenant":"t","subject":"s","issuer":"https://i","#
                + #""tls_version":"TLSv1.3","user_agent":"grpc","trace_id":"000000000000000100000000000000ab"}"# + "\n")
    }

    @Test("what is absent is left out")
    func empty() {
        #expect(
            json(AccessLogEntry(time: WallTime(seconds: 0)))
                == #"{"time":"1970-01-01T00:00:00.000Z","bytes_received":0,"bytes_sent":0,"duration_us":0}"# + "\n")
    }

    @Test("what would have refused the call is named, how its limits were counted, and why a fallback served it")
    func shadow() {
        var entry = AccessLogEntry(time: WallTime(seconds: 0))
        entry.shadow = AccessLogEntry.text("a \"trial\",b")
        entry.limits = AccessLogEntry.text("local")
        entry.fallback = AccessLogEntry.text("circuit_open")
        #expect(
            json(entry) == #"{"time":"1970-01-01T00:00:00.000Z","shadow":"a \"trial\",b","limits":"local","#
                + #""fallback":"circuit_open","bytes_received":0,"bytes_sent":0,"duration_us":0}"# + "\n")
    }

    private func escaped(_ bytes: [UInt8]) -> String {
        bytes.withUnsafeBytes { bytes in
            var entry = AccessLogEntry(time: WallTime(seconds: 0))
            entry.userAgent = bytes
            return String(
                json(entry).dropFirst(
                    #"{"time":"1970-01-01T00:00:00.000Z","bytes_received":0,"bytes_sent":0,"duration_us":0,"user_agent":""#.count
                ).dropLast(3))
        }
    }

    @Test("every byte is escaped rightly at every place of a text of any length")
    func escapes() {
        for byte in UInt8.min...UInt8.max {
            let places = (1...9).flatMap { count in (0..<count).map { (count, $0) } } + (0..<17).map { (17, $0) }
            for (count, place) in places {
                var bytes = [UInt8](repeating: 0x61, count: count)
                bytes[place] = byte
                let expected: String =
                    switch byte {
                    case 0x22: "\\\""
                    case 0x5C: "\\\\"
                    case 0x20..<0x7F: String(UnicodeScalar(byte))
                    default: "\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
                    }
                let frame = String(repeating: "a", count: count)
                #expect(escaped(bytes) == frame.prefix(place) + expected + frame.prefix(count - 1 - place))
            }
        }
    }

    @Test("well-formed UTF-8 stays, ill-formed is shown byte by byte")
    func utf8() {
        #expect(escaped(Array("ä€😀".utf8)) == "ä€😀")
        #expect(escaped([0xC3]) == "\\u00c3")
        #expect(escaped([0xC0, 0x80]) == "\\u00c0\\u0080")
        #expect(escaped([0xED, 0xA0, 0x80]) == "\\u00ed\\u00a0\\u0080")
        #expect(escaped([0xF4, 0x90, 0x80, 0x80]) == "\\u00f4\\u0090\\u0080\\u0080")
        #expect(escaped([0xE2, 0x82, 0x41]) == "\\u00e2\\u0082A")
    }

    @Test("a text is cut at its limit, never inside a character")
    func cut() {
        #expect(escaped([UInt8](repeating: 0x61, count: 256)).count == 256)
        #expect(escaped([UInt8](repeating: 0x61, count: 257)).count == 256)
        #expect(escaped([UInt8](repeating: 0x61, count: 255) + Array("€x".utf8)) == String(repeating: "a", count: 255))
        #expect(escaped([UInt8](repeating: 0x61, count: 253) + Array("€x".utf8)).hasSuffix("€"))
    }

    @Test("the longest possible line fits")
    func longest() {
        let bytes = [UInt8](repeating: 1, count: 5000)
        bytes.withUnsafeBytes { bytes in
            var entry = AccessLogEntry(time: WallTime(nanoseconds: .max))
            entry.requestID = bytes; entry.downstreamAddress = bytes; entry.protocolName = bytes
            entry.authority = bytes; entry.method = bytes; entry.path = bytes; entry.grpcService = bytes
            entry.grpcMethod = bytes; entry.route = bytes; entry.cluster = bytes; entry.upstreamAddress = bytes
            entry.detail = bytes; entry.tenant = bytes; entry.subject = bytes; entry.issuer = bytes
            entry.tlsVersion = bytes; entry.userAgent = bytes
            entry.status = 599; entry.grpcStatus = .max; entry.attempts = .max
            entry.responseFlag = bytes
            entry.bytesReceived = .max; entry.bytesSent = .max; entry.durationMicroseconds = .max
            entry.upstreamDurationMicroseconds = .max
            entry.trace = TraceContext(traceHigh: .max, traceLow: .max, span: .max, flags: 1)
            let line = json(entry)
            #expect(line.utf8.count < AccessLogLine.bytesMax)
            #expect(line.hasSuffix("}\n"))
        }
    }

    @Test("dates are right at the turns of months, leap years and centuries")
    func dates() {
        for (seconds, text) in [
            (951_782_399, "2000-02-28T23:59:59"), (951_782_400, "2000-02-29T00:00:00"),
            (951_868_800, "2000-03-01T00:00:00"), (1_709_164_800, "2024-02-29T00:00:00"),
            (1_735_689_599, "2024-12-31T23:59:59"), (4_107_542_399, "2100-02-28T23:59:59"),
            (4_107_542_400, "2100-03-01T00:00:00"), (86_399, "1970-01-01T23:59:59"),
        ] {
            var cache = TimestampCache()
            defer { cache.destroy() }
            let written = String(unsafeUninitializedCapacity: TimestampCache.bytes) {
                cache.write(WallTime(seconds: Int64(seconds)), to: $0.baseAddress!)
                return TimestampCache.bytes
            }
            #expect(written == text + ".000Z")
        }
    }

    @Test("the cached second follows the clock in both directions")
    func cache() {
        var cache = TimestampCache()
        defer { cache.destroy() }
        func write(_ nanoseconds: UInt64) -> String {
            String(unsafeUninitializedCapacity: TimestampCache.bytes) {
                cache.write(WallTime(nanoseconds: nanoseconds), to: $0.baseAddress!)
                return TimestampCache.bytes
            }
        }
        #expect(write(1_999_000_000) == "1970-01-01T00:00:01.999Z")
        #expect(write(1_001_999_999) == "1970-01-01T00:00:01.001Z")
        #expect(write(2_000_000_000) == "1970-01-01T00:00:02.000Z")
        #expect(write(1_000_000_000) == "1970-01-01T00:00:01.000Z")
    }

    @Test("no response flag, written as nothing or as a dash, is left out", arguments: ["", "-"])
    func noFlag(text: String) {
        var entry = AccessLogEntry(time: WallTime(seconds: 0))
        let bytes = Array(text.utf8)
        bytes.withUnsafeBytes {
            entry.responseFlag = $0
            #expect(!json(entry).contains("response_flags"))
        }
    }
}

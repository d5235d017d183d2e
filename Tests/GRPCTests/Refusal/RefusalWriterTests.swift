import Bytes
import HTTPModel
import Messages
import SwiftProtobuf
import Testing

@testable import GRPC

@Suite struct RefusalWriterTests {
    private func written(
        _ refusal: Refusal, to caller: ClientProtocol, isHead: Bool = false
    ) -> Written {
        Written { fields, body in
            var writer = RefusalWriter()
            writer.write(refusal, to: caller, isHead: isHead, fields: &fields, body: &body)
        }
    }

    private func status(of written: Written) throws -> Google_Rpc_Status {
        let encoded = try #require(written["grpc-status-details-bin"])
        #expect(!encoded.contains("="))
        let bytes = try #require(withBytes(encoded) { Base64.decode($0) })
        #expect(bytes.count <= RefusalWriter.statusBytesMax)
        return try Google_Rpc_Status(serializedBytes: bytes)
    }

    private func detail<Detail: Message>(_ type: Detail.Type, of status: Google_Rpc_Status) throws -> Detail? {
        try status.details.first { $0.isA(type) }.map { try Detail(unpackingAny: $0) }
    }

    // MARK: every row, both ways

    @Test("a gRPC caller gets 200 and the status in the head", arguments: expectedRows)
    func grpc(expected: ExpectedRow) throws {
        let written = written(Refusal(expected.cause), to: .grpc)
        #expect(written.fields[0] == (":status", "200"))
        #expect(written["content-type"] == "application/grpc")
        #expect(written["grpc-status"] == "\(expected.code.rawValue)")
        #expect(written.body.isEmpty)

        let own: Set = [":status", "content-type", "grpc-status", "grpc-message", "grpc-status-details-bin"]
        let headers = written.fields.filter { !own.contains($0.name) }
        #expect(Dictionary(uniqueKeysWithValues: headers.map { ($0.name, $0.value) }) == expected.headers)

        let status = try status(of: written)
        #expect(status.code == Int32(expected.code.rawValue))
        #expect(written["grpc-message"].map { text in withBytes(text) { StatusFields.decodeMessage($0) } } == status.message)
        try expectErrorInfo(status, expected)
    }

    @Test("a JSON caller gets the HTTP status and google.rpc.Status", arguments: expectedRows)
    func json(expected: ExpectedRow) throws {
        Google_Protobuf_Any.register(messageType: Google_Rpc_ErrorInfo.self)
        Google_Protobuf_Any.register(messageType: Google_Rpc_RetryInfo.self)
        Google_Protobuf_Any.register(messageType: Google_Rpc_QuotaFailure.self)
        Google_Protobuf_Any.register(messageType: Google_Rpc_BadRequest.self)
        let written = written(Refusal(expected.cause), to: .http)
        #expect(written.fields[0] == (":status", "\(expected.http)"))
        #expect(written["content-type"] == "application/json")
        #expect(written["content-length"] == "\(written.body.utf8.count)")

        let own: Set = [":status", "content-type", "content-length", "allow"]
        let headers = written.fields.filter { !own.contains($0.name) }
        // HTTP has a name of its own for what gRPC says of compression.
        let wanted = expected.headers.map { ($0.key == "grpc-accept-encoding" ? "accept-encoding" : $0.key, $0.value) }
        #expect(Dictionary(uniqueKeysWithValues: headers.map { ($0.name, $0.value) }) == Dictionary(uniqueKeysWithValues: wanted))

        let read = try Google_Rpc_Status(jsonString: written.body)
        #expect(read.code == Int32(expected.code.rawValue))
        try expectErrorInfo(read, expected)

        // The same details, however they are written.
        let native = try status(of: self.written(Refusal(expected.cause), to: .grpc))
        #expect(read.message == native.message)
        #expect(read.details.map(\.typeURL) == native.details.map(\.typeURL))
        #expect(
            try detail(Google_Rpc_RetryInfo.self, of: read) == detail(Google_Rpc_RetryInfo.self, of: native))
        #expect(
            try detail(Google_Rpc_QuotaFailure.self, of: read) == detail(Google_Rpc_QuotaFailure.self, of: native))
        #expect(
            try detail(Google_Rpc_BadRequest.self, of: read) == detail(Google_Rpc_BadRequest.self, of: native))
    }

    @Test("an answer that had begun ends in the status alone", arguments: expectedRows)
    func trailers(expected: ExpectedRow) throws {
        let written = Written { fields, _ in
            var writer = RefusalWriter()
            writer.writeTrailers(Refusal(expected.cause), fields: &fields)
        }
        #expect(written.names == ["grpc-status", "grpc-message", "grpc-status-details-bin"])
        #expect(written["grpc-status"] == "\(expected.code.rawValue)")
        try expectErrorInfo(try status(of: written), expected)
    }

    private func expectErrorInfo(_ status: Google_Rpc_Status, _ expected: ExpectedRow) throws {
        let info = try #require(try detail(Google_Rpc_ErrorInfo.self, of: status))
        #expect(info.reason == expected.reason)
        #expect(info.domain == "martlet")
        #expect(info.metadata == expected.metadata)
    }

    // MARK: single things

    @Test("HEAD gets the head only", arguments: [RefusalCause.noRoute, .unauthenticated(.missing)])
    func head(cause: RefusalCause) {
        let written = written(Refusal(cause), to: .http, isHead: true)
        #expect(written[":status"] == "\(cause.row.httpStatus)")
        #expect(written.body.isEmpty)
        #expect(written["content-length"] == nil)
    }

    @Test("a wrong verb is told which ones are right")
    func allow() {
        let refusal = Refusal(.methodNotAllowed(allow: "GET, HEAD"))
        #expect(written(refusal, to: .http)["allow"] == "GET, HEAD")
        #expect(written(refusal, to: .grpc)["allow"] == nil)
    }

    @Test("the rule's name is told only where it is exposed")
    func rule() throws {
        let hidden = Refusal(.permissionDenied(.rule), rule: "only-admins")
        let shown = Refusal(.permissionDenied(.rule), rule: "only-admins", exposesRule: true)
        for caller in [ClientProtocol.grpc, .http] {
            let written = written(hidden, to: caller)
            #expect(!written.body.contains("only-admins"))
            #expect(!written.fields.contains { $0.value.contains("only-admins") })
        }
        let info = try detail(Google_Rpc_ErrorInfo.self, of: status(of: written(shown, to: .grpc)))
        #expect(info?.metadata == ["rule": "only-admins"])
        #expect(written(shown, to: .http).body.contains(#""metadata":{"rule":"only-admins"}"#))
        #expect(try detail(Google_Rpc_ErrorInfo.self, of: status(of: written(hidden, to: .grpc)))?.metadata == [:])
    }

    @Test(
        "RetryInfo is exact where retry-after is whole seconds",
        arguments: [
            (Duration.milliseconds(1500), "2", "1.500s"), (.seconds(3), "3", "3s"), (.zero, "1", "0s"),
            (.nanoseconds(1), "1", "0.000000001s"), (.microseconds(2_000_001), "3", "2.000001s"), (.seconds(-4), "1", "0s"),
            (.milliseconds(-500), "1", "0s"),
        ])
    func retry(delay: Duration, header: String, json: String) throws {
        let refusal = Refusal(.limitStoreUnavailable(retryAfter: delay))
        let answer = written(refusal, to: .http)
        #expect(answer["retry-after"] == header)
        #expect(answer.body.contains("\"retryDelay\":\"\(json)\""))
        let status = try status(of: written(refusal, to: .grpc))
        let retry = try #require(try detail(Google_Rpc_RetryInfo.self, of: status))
        let expected = max(.zero, delay)
        #expect(Duration.seconds(retry.retryDelay.seconds) + .nanoseconds(Int64(retry.retryDelay.nanos)) == expected)
    }

    @Test("QuotaFailure names the limits that were exceeded, and only those")
    func quotaFailure() throws {
        let refusal = Refusal(
            .rateLimited(
                retryAfter: .seconds(1),
                limits: [
                    .init(name: "day", count: 10_000, windowSeconds: 86_400, remaining: 12, resetSeconds: 60),
                    .init(
                        name: "burst", exposesName: true, count: 50, windowSeconds: 1, remaining: 0, resetSeconds: 1,
                        isExceeded: true),
                    .init(name: "min", count: 60, windowSeconds: 60, remaining: 0, resetSeconds: 9, isExceeded: true),
                ]))
        let status = try status(of: written(refusal, to: .grpc))
        let quota = try #require(try detail(Google_Rpc_QuotaFailure.self, of: status))
        #expect(quota.violations.map(\.subject) == ["burst", "limit-3"])
        #expect(quota.violations.map(\.description_p) == ["50 in 1 s", "60 in 60 s"])
        #expect(quota.violations.map(\.quotaValue) == [50, 60])
    }

    @Test("a malformed message is told the field and what is wrong there")
    func badRequest() throws {
        let refusal = Refusal(.malformedMessage(field: "order.items[3].count", problem: "expected a number, found \"x\""))
        let status = try status(of: written(refusal, to: .grpc))
        let violations = try #require(try detail(Google_Rpc_BadRequest.self, of: status)).fieldViolations
        #expect(violations.map(\.field) == ["order.items[3].count"])
        #expect(violations.map(\.description_p) == ["expected a number, found \"x\""])
        #expect(status.message == "the message is malformed: order.items[3].count: expected a number, found \"x\"")
    }

    @Test("a limit is told in the message too")
    func limits() throws {
        #expect(
            try status(of: written(Refusal(.messageTooLarge(bytesMax: 10)), to: .grpc)).message
                == "the message is too large: at most 10 bytes")
    }

    @Test("a scope that would break out of its quotes does not")
    func quoting() {
        let answer = written(Refusal(.permissionDenied(.scope(required: "a\"b\\c\r\nd"))), to: .http)
        #expect(answer["www-authenticate"]?.hasSuffix(#"scope="a\"b\\c??d""#) == true)
    }

    @Test("a writer can be used again, after long refusals and short ones")
    func reuse() {
        var writer = RefusalWriter()
        func text(_ refusal: Refusal) -> [String] {
            let written = Written { writer.write(refusal, to: .http, fields: &$0, body: &$1) }
            return written.fields.map { "\($0.name): \($0.value)" } + [written.body]
        }
        let short = Refusal(.noRoute)
        let first = text(short)
        let long = text(Refusal(.malformedMessage(field: String(repeating: "a", count: 900), problem: "x")))
        #expect(text(short) == first)
        #expect(text(Refusal(.malformedMessage(field: String(repeating: "a", count: 900), problem: "x"))) == long)
    }
}

/// The kibibyte, and what is left out of it.
@Suite struct RefusalSizeTests {
    private func details(_ refusal: Refusal) throws -> (bytes: Int, status: Google_Rpc_Status) {
        let written = Written { fields, body in
            var writer = RefusalWriter()
            writer.write(refusal, to: .grpc, fields: &fields, body: &body)
        }
        let encoded = try #require(written["grpc-status-details-bin"])
        let bytes = try #require(withBytes(encoded) { Base64.decode($0) })
        return (bytes.count, try Google_Rpc_Status(serializedBytes: bytes))
    }

    private func kinds(_ status: Google_Rpc_Status) -> [String] {
        status.details.map { String($0.typeURL.split(separator: ".").last!) }
    }

    private func limited(_ limitNameBytes: Int, rule: Int) -> Refusal {
        Refusal(
            .rateLimited(
                retryAfter: .milliseconds(1500),
                limits: [
                    .init(
                        name: String(repeating: "n", count: limitNameBytes), exposesName: true, count: 1, windowSeconds: 1,
                        remaining: 0, resetSeconds: 1, isExceeded: true)
                ]), rule: String(repeating: "r", count: rule), exposesRule: true)
    }

    @Test("a status of 1024 bytes is whole, one of 1025 loses its violations first")
    func violationsGoFirst() throws {
        var whole = 1
        while try details(limited(whole, rule: 10)).bytes < 1024, whole < 1024 { whole += 1 }
        let atLimit = try details(limited(whole, rule: 10))
        #expect(atLimit.bytes == 1024)
        #expect(kinds(atLimit.status) == ["ErrorInfo", "RetryInfo", "QuotaFailure"])

        let above = try details(limited(whole + 1, rule: 10))
        #expect(kinds(above.status) == ["ErrorInfo", "RetryInfo"])
        let info = try Google_Rpc_ErrorInfo(unpackingAny: above.status.details[0])
        #expect(info.metadata == ["rule": String(repeating: "r", count: 10)])
    }

    @Test("then the metadata goes; reason and delay always stay")
    func metadataGoesNext() throws {
        let bare = try details(limited(10, rule: 2000))
        #expect(kinds(bare.status) == ["ErrorInfo", "RetryInfo"])
        let info = try Google_Rpc_ErrorInfo(unpackingAny: bare.status.details[0])
        #expect(info.reason == "RATE_LIMITED")
        #expect(info.metadata.isEmpty)
    }

    @Test("the longest message leaves room for the rest, in JSON as in protobuf")
    func longest() throws {
        let refusal = Refusal(
            .malformedMessage(field: String(repeating: "é", count: 3000), problem: String(repeating: "p", count: 3000)),
            rule: String(repeating: "r", count: 3000), exposesRule: true)
        let least = try details(refusal)
        #expect(kinds(least.status) == ["ErrorInfo"])
        #expect(least.status.message.utf8.count <= StatusFields.messageBytesMax)

        let written = Written { fields, body in
            var writer = RefusalWriter()
            writer.write(refusal, to: .http, fields: &fields, body: &body)
        }
        #expect(!written.body.contains("BadRequest"))
        #expect(!written.body.contains("metadata"))
        #expect(written.body.utf8.count < 1024)
    }

    @Test("every row fits, with the longest message and no metadata", arguments: expectedRows)
    func everyRow(expected: ExpectedRow) throws {
        let refusal = Refusal(expected.cause, rule: String(repeating: "r", count: 4000), exposesRule: true)
        #expect(try details(refusal).bytes <= 1024)
    }
}

package import Bytes
internal import GRPC
internal import JSON
internal import Routing
internal import Transport

/// `/quota/…` of an admin address: the same as the gRPC service, with JSON. What reads takes GET with query parameters, and POST; what changes
/// takes POST.
package final class QuotaPages {
    package struct Answer {
        package var status: Int
        package var contentType: StaticString
        package var body: [UInt8]
        /// For 405.
        package var allow: StaticString?
    }

    package static let prefix = "/quota/"
    /// Of a request.
    package static let bodyBytesMax = 64 << 10

    private let operations: [QuotaOperation]

    package init(_ manager: QuotaManager) { operations = QuotaOperation.all(manager) }

    /// - Parameters:
    ///   - path: behind `prefix`.
    ///   - body: of a POST; `nil` for another method.
    ///   - userID: of a Unix socket's peer.
    ///   - answer: called once, perhaps before this returns.
    package func answer(
        path: String, query: BorrowedBytes, body: [UInt8]?, isGet: Bool, userID: UInt32?, _ answer: @escaping (Answer) -> Void
    ) {
        guard let operation = operations.first(where: { $0.word == path }) else {
            let known = operations.map { Self.prefix + $0.word }.joined(separator: ", ")
            return answer(Self.error(404, "not found: \(known) are served here"))
        }
        guard body != nil || isGet && !operation.isChange else {
            var wrong = Self.error(405, operation.isChange ? "a change takes POST" : "only GET, HEAD and POST are served here")
            wrong.allow = operation.isChange ? "POST" : "GET, HEAD, POST"
            return answer(wrong)
        }
        let request = body.map { $0.isEmpty ? Array("{}".utf8) : $0 } ?? Self.json(query)
        operation.run(.json, request, QuotaCaller(userID: userID)) { result in
            switch result {
            case .success(let bytes):
                answer(Answer(status: 200, contentType: "application/json", body: bytes + [UInt8(ascii: "\n")]))
            case .failure(let failure):
                let status = failure.status
                answer(Self.error(status.code.httpStatus, status.message))
            }
        }
    }

    package static func error(_ status: Int, _ message: String) -> Answer {
        var text = ByteBuffer(capacity: 256)
        var json = JSONWriter()
        json.beginObject(&text)
        json.key("message", &text)
        json.string(message, &text)
        json.endObject(&text)
        text.append("\n")
        return Answer(status: status, contentType: "application/json", body: Array(text.readable))
    }

    /// Query parameters as a message in JSON: `keys.NAME` is an entry of a map, and all values are texts, which numbers may be.
    static func json(_ query: BorrowedBytes) -> [UInt8] {
        var members: [(String, String)] = []
        var keys: [(String, String)] = []
        QueryParameters(query).forEach { name, value in
            let (name, value) = (String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
            if name.hasPrefix("keys.") { keys.append((String(name.dropFirst(5)), value)) } else { members.append((name, value)) }
        }
        var text = ByteBuffer(capacity: 256)
        var json = JSONWriter()
        func write(_ members: [(String, String)]) {
            for (name, value) in members {
                json.key(name, &text)
                json.string(value, &text)
            }
        }
        json.beginObject(&text)
        write(members)
        if !keys.isEmpty {
            json.key("keys", &text)
            json.beginObject(&text)
            write(keys)
            json.endObject(&text)
        }
        json.endObject(&text)
        return Array(text.readable)
    }
}

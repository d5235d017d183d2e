internal import Messages
internal import SwiftProtobuf

/// One method of `martlet.quota.v1.Quotas`, however it is called: as gRPC, or with JSON.
struct QuotaOperation {
    /// Of the gRPC method.
    let name: String
    /// Below `/quota/`.
    let word: String
    let isChange: Bool
    let run: (Form, [UInt8], QuotaCaller, @escaping (Result<[UInt8], QuotaFailure>) -> Void) -> Void

    enum Form { case protobuf, json }

    private init<Request: Message, Reply: Message>(
        _ name: String, isChange: Bool,
        _ body: @escaping (Request, QuotaCaller, @escaping (Result<Reply, QuotaFailure>) -> Void) -> Void
    ) {
        self.name = name
        word = name.lowercased()
        self.isChange = isChange
        run = { form, bytes, caller, answer in
            let request: Request
            do {
                request = try form == .protobuf ? Request(serializedBytes: bytes) : Request(jsonUTF8Bytes: bytes)
            } catch {
                return answer(
                    .failure(.invalid("expected a \(Request.protoMessageName)\(form == .json ? " in JSON: \(error)" : "")")))
            }
            body(request, caller) { result in
                answer(
                    result.map { reply in
                        // Fails only for required fields, which proto3 has not.
                        let bytes: [UInt8]? = try? form == .protobuf ? reply.serializedBytes() : reply.jsonUTF8Bytes()
                        return bytes ?? []
                    })
            }
        }
    }

    static func all(_ manager: QuotaManager) -> [QuotaOperation] {
        // Requests outlive neither: both are the process's.
        [
            QuotaOperation("Show", isChange: false) { [unowned manager] in manager.show($0, $2) },
            QuotaOperation("List", isChange: false) { [unowned manager] in manager.list($0, $2) },
            QuotaOperation("Top", isChange: false) { [unowned manager] in manager.top($0, $2) },
            QuotaOperation("Export", isChange: false) { [unowned manager] in manager.export($0, $2) },
            QuotaOperation("Block", isChange: true) { [unowned manager] in manager.block($0, $1, $2) },
            QuotaOperation("Unblock", isChange: true) { [unowned manager] in manager.unblock($0, $1, $2) },
            QuotaOperation("Grant", isChange: true) { [unowned manager] in manager.grant($0, $1, $2) },
            QuotaOperation("Override", isChange: true) { [unowned manager] in manager.override($0, $1, $2) },
            QuotaOperation("Restore", isChange: true) { [unowned manager] in manager.restore($0, $1, $2) },
            QuotaOperation("Reset", isChange: true) { [unowned manager] in manager.reset($0, $1, $2) },
        ]
    }
}

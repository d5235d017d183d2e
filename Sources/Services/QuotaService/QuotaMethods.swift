package import Bytes
package import Transport

/// `martlet.quota.v1.Quotas` over gRPC.
package enum QuotaMethods {
    package static let name = "martlet.quota.v1.Quotas"

    package static func register(_ manager: QuotaManager, on server: GRPCServer) {
        for operation in QuotaOperation.all(manager) {
            server.register("/\(name)/\(operation.name)", .unary(QuotaMethod(operation)))
        }
    }
}

private final class QuotaMethod: UnaryMethod {
    private let operation: QuotaOperation

    init(_ operation: QuotaOperation) { self.operation = operation }

    func answer(_ call: GRPCCall, _ request: UnsafeRawBufferPointer, _ reply: inout ByteBuffer) -> UnaryAnswer {
        let reference = call.reference
        var known: Result<[UInt8], QuotaFailure>?
        var isLater = false
        operation.run(.protobuf, Array(request), QuotaCaller(userID: call.peerUserID)) { result in
            guard isLater else { return known = result }
            guard let call = reference.live else { return }
            switch result {
            case .success(let bytes):
                bytes.withUnsafeBytes { call.send($0) }
                call.finish(.ok)
            case .failure(let failure): call.finish(failure.status)
            }
        }
        isLater = true
        switch known {
        case .success(let bytes):
            bytes.withUnsafeBytes { reply.append($0) }
            return .done
        case .failure(let failure): return .failed(failure.status)
        case nil: return .later
        }
    }
}

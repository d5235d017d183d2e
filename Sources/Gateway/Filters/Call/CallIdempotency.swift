internal import Bytes
internal import GRPC
internal import GatewayModel
internal import HTTPModel
package import Protobuf
internal import Snapshots
internal import Transcoding

/// Whether a call may be sent again that an upstream may have executed (RFC 9110, section 9.2.2).
extension Record<Call> {
    /// By its retry policy, by what its route or schema declares of it, or by its HTTP method.
    ///
    /// What certainly was not executed does not depend on it.
    package var mayRepeat: Bool {
        // A hedged method may be executed several times at once.
        if case .hedging? = self.policy.attempts { return true }
        let policy: RetryPolicy? = if case .retry(let own)? = self.policy.attempts { own } else { nil }
        let method = HTTPMethod(self.downstream.fields.first(.method)?.valueBytes ?? BorrowedBytes.none)
        if case .http = self.clientProtocol, let methods = policy?.httpMethods, !methods.contains(method) { return false }
        return policy?.repeatsAnything == true || policy?.isIdempotent == true || method.isIdempotent || isIdempotentInSchema
    }

    private var isIdempotentInSchema: Bool { self.schemaMethod?.isIdempotent ?? false }

    /// The method of the RPC in the schema of its route's cluster.
    package var schemaMethod: MethodSchema? {
        let name = self.rpcName
        guard let start = name.baseAddress else { return nil }
        // In the path a slash precedes it.
        let path = BorrowedBytes(start: start - 1, count: name.count + 1)
        return self.route {
            guard let schema = $0.transcoding?.schema, let place = schema.method(path: path) else { return nil }
            return schema.methods[place]
        }
    }
}

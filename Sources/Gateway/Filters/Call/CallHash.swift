internal import Balancing
package import Bytes
internal import Calls
internal import GatewayModel
internal import HTTPModel
internal import JOSE
internal import Net
internal import Routing
package import Upstreams

extension Cluster {
    /// Says what of the call its choice depends on.
    @inline(never)
    package func describe(_ call: Record<Call>, in request: inout PickRequest) {
        request.hash = plan.hash?.hash(call)
        request.isHighPriority = call.isHighPriority
    }
}

/// Reads of a call what its cluster hashes it by.
extension HashPolicy {
    /// Of the first source that the call has; `nil` where it has none.
    func hash(_ call: Record<Call>) -> UInt64? {
        let stream = call.downstream
        for source in sources {
            switch source {
            case .header(let name):
                let fields = stream.fields
                for index in 0..<stream.trailersStart where fields.fields[index].nameBytes.elementsEqual(name) {
                    return StableHash.hash(fields.fields[index].valueBytes)
                }
            case .claim(let path):
                if let claim = call.identity?.token.claim(path),
                    let hash = claim.withScalar({ StableHash.hash($0) })
                {
                    return hash
                }
            case .tenant:
                if let tenant = call.identity?.tenant { return tenant.withUnsafeBytes { StableHash.hash($0) } }
            case .cookie(let name):
                if let value = Self.cookie(name, in: stream) { return StableHash.hash(value) }
            case .address:
                if let address = call.origin?.address {
                    return withUnsafeBytes(of: address.bits) { StableHash.hash($0) }
                }
            }
        }
        return nil
    }

    /// The value of a cookie, without its quotes' meaning (RFC 6265, section 4.2); they may come in several fields.
    private static func cookie(_ name: [UInt8], in stream: StreamPointer) -> BorrowedBytes? {
        let fields = stream.fields
        for index in 0..<stream.trailersStart where fields.fields[index].token == .cookie {
            let text = fields.fields[index].valueBytes
            var start = 0
            while start < text.count {
                var end = start
                while end < text.count, text[end] != UInt8(ascii: ";") { end += 1 }
                while start < end, text[start] == UInt8(ascii: " ") { start += 1 }
                let valueStart = start + name.count + 1
                if valueStart <= end, text[valueStart - 1] == UInt8(ascii: "="),
                    BorrowedBytes(rebasing: text[start..<valueStart - 1]).elementsEqual(name)
                {
                    return BorrowedBytes(rebasing: text[valueStart..<end])
                }
                start = end + 1
            }
        }
        return nil
    }
}

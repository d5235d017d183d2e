internal import AccessControl
package import Bytes
internal import Calls
internal import GRPC
package import GatewayModel
package import HTTPModel
internal import JOSE
internal import Net
internal import Routing
internal import Snapshots
internal import TLS
internal import Telemetry
internal import Transport
internal import Upstreams

/// Texts with variables of the call, rendered for it.
package struct CallText {
    private let call: CallView
    /// Of the answer, where there is one: what has been written of it so far.
    private let answer: FieldList
    /// What of a variable's value stands for itself; all else is percent-encoded, so that no value can end a line or add a field, as
    /// forwarded claims are. `nil` where all of it does, because it goes where bytes end nothing.
    private let kept: PercentCoding.Kept?

    /// Whether the text is a path.
    private let isPath: Bool

    package init(
        _ call: CallView, answer: FieldList = FieldList(start: nil, count: 0),
        keeping kept: PercentCoding.Kept? = .visible, isPath: Bool = false
    ) {
        self.isPath = isPath
        self.call = call
        self.answer = answer
        self.kept = kept
    }

    /// Appends the text; false, with something appended perhaps, where a variable has no value and no text instead.
    func append(_ template: CallTemplate, to buffer: inout ByteBuffer) -> Bool {
        for part in template.parts {
            switch part {
            case .text(let text): text.withUnsafeBytes { buffer.append($0) }
            case .variable(let variable, let otherwise):
                if append(variable, to: &buffer) { continue }
                guard let otherwise else { return false }
                otherwise.withUnsafeBytes { buffer.append($0) }
            }
        }
        return true
    }

    /// Appends the text without variables that have neither a value nor a text instead.
    package func appendKnown(_ template: CallTemplate, to buffer: inout ByteBuffer) {
        for part in template.parts { _ = append(CallTemplate(parts: [part]), to: &buffer) }
    }

    /// Appends the value; false where the call has none, or an empty one.
    private func append(_ variable: CallVariable, to buffer: inout ByteBuffer) -> Bool {
        let facts = call.facts
        switch variable {
        case .requestID: return put(call.requestID(), &buffer)
        case .requestMethod: return put(call.stream.fields.first(.method)?.valueBytes ?? facts.method, &buffer)
        case .requestPath: return putPath(&buffer)
        case .requestAuthority:
            return put((call.stream.fields.first(.authority) ?? call.stream.fields.first(.host))?.valueBytes, &buffer)
        case .requestScheme: return put(call.scheme, &buffer)
        case .requestHeader(let name): return put(call.field(name), &buffer)
        case .requestQuery(let name):
            return name.withUnsafeBytes { name in QueryParameters(facts.query).withFirst(name) { put($0, &buffer) } } ?? false
        case .clientAddress: return putAddress(&buffer)
        case .clientCertificateURI: return put(call.certificateURI, &buffer)
        case .clientCertificateSubject: return put(call.connection { $0.peerCertificate?.subject }, &buffer)
        case .identitySubject: return put(call.identity?.subject, &buffer)
        case .identityTenant: return put(call.identity?.tenant, &buffer)
        case .identityPlan: return put(call.identity?.planName, &buffer)
        case .identityIssuer: return put(call.identity?.issuer, &buffer)
        case .claim(let path): return putClaim(path, &buffer)
        case .route: return put(call.route { $0.nameBytes }, &buffer)
        case .rpcService: return put(call.rpcName.isEmpty ? nil : facts.service, &buffer)
        case .rpcMethod: return put(call.rpcName.isEmpty ? nil : facts.rpc, &buffer)
        case .cluster: return call.route.leadsToCluster && put(call.cluster { $0.nameBytes }, &buffer)
        case .endpoint: return put(call.endpoint?.object.addressText, &buffer)
        case .responseStatus: return putNumber(call.outcome.httpStatus, &buffer)
        case .responseGRPCStatus:
            guard let status = call.outcome.grpcStatus else { return false }
            return putNumber(Int(status.rawValue), &buffer)
        case .responseHeader(let name):
            return name.withUnsafeBytes { name in
                put(answer.first { $0.nameBytes.equals(name) }?.valueBytes, &buffer)
            }
        }
    }

    private func put(_ value: BorrowedBytes?, _ buffer: inout ByteBuffer) -> Bool {
        guard let value, !value.isEmpty else { return false }
        guard let kept else {
            buffer.append(value)
            return true
        }
        // A blank at either end of a value would not be part of it (RFC 9110, section 5.5).
        var (start, end) = (0, value.count)
        while start < end, value[start] == 0x20 {
            PercentCoding.appendEscape(of: 0x20, to: &buffer)
            start += 1
        }
        while end > start, value[end - 1] == 0x20 { end -= 1 }
        PercentCoding.encode(BorrowedBytes(rebasing: value[start..<end]), keeping: kept, into: &buffer)
        for _ in end..<value.count { PercentCoding.appendEscape(of: 0x20, to: &buffer) }
        return true
    }

    private func put(_ value: [UInt8]?, _ buffer: inout ByteBuffer) -> Bool {
        guard let value else { return false }
        return value.withUnsafeBytes { put($0, &buffer) }
    }

    private func put(_ value: String?, _ buffer: inout ByteBuffer) -> Bool {
        guard var value else { return false }
        return value.withUTF8 { put(BorrowedBytes($0), &buffer) }
    }

    private func put(_ value: StaticString, _ buffer: inout ByteBuffer) -> Bool {
        put(BorrowedBytes(value), &buffer)
    }

    /// In a path it is one already, which was accepted as it is: its slashes and escapes stay.
    private func putPath(_ buffer: inout ByteBuffer) -> Bool {
        guard isPath else { return put(call.facts.path, &buffer) }
        Rewriting.appendURI(call.facts.path, to: &buffer)
        return true
    }

    private func putNumber(_ number: Int, _ buffer: inout ByteBuffer) -> Bool {
        guard number >= 0 else { return false }
        return put("\(number)", &buffer)
    }

    private func putAddress(_ buffer: inout ByteBuffer) -> Bool {
        guard let address = call.address else { return call.connection { put($0.peerText, &buffer) } }
        // Not by its `withText`, which is not specialized in this module.
        return withUnsafeTemporaryAllocation(byteCount: IPAddress.textBytesMax, alignment: 1) { text in
            guard let start = text.baseAddress else { return false }
            return put(BorrowedBytes(start: start, count: address.write(to: start)), &buffer)
        }
    }

    private func putClaim(_ path: ClaimPath, _ buffer: inout ByteBuffer) -> Bool {
        guard let claim = call.identity?.token.claim(path) else { return false }
        if kept == nil, let isThere = claim.withScalar({ put($0, &buffer) }) { return isThere }
        var text = ByteBuffer()
        guard ClaimHeader.append(claim, to: &text), text.count > 0 else { return false }
        // It has the form of a header's value already; a part of a path has to be encoded once more.
        guard kept?.contains(UInt8(ascii: "/")) ?? true else { return put(text.readable, &buffer) }
        buffer.append(text.readable)
        return true
    }
}

package import Bytes
package import HTTPModel
internal import JSON

/// Writes refusals in the caller's protocol: the one room that does (DESIGN: "What a refusal looks like").
///
/// A native gRPC caller gets HTTP 200 and the status in the only field block; gRPC-Web and Connect's streams get it in the
/// body's last frame; Connect's unary calls get its error JSON, with the HTTP status its own table has for the code; everybody
/// else gets the row's HTTP status and a `google.rpc.Status` in JSON. One per worker: it keeps its buffers.
package struct RefusalWriter: ~Copyable {
    /// An encoded `google.rpc.Status` is at most this long. What does not fit is left out: first QuotaFailure and
    /// BadRequest, then ErrorInfo's metadata. JSON leaves out the same.
    package static let statusBytesMax = 1024

    private var message = ByteBuffer(capacity: 256)
    private var status = ByteBuffer(capacity: 1024)
    private var scratch = ByteBuffer(capacity: 1024)
    private var trailers = FieldBlock()

    package init() {}

    deinit {
        var trailers = trailers
        trailers.destroy()
    }

    /// Writes a whole answer. `fields` begins with `:status`; `body` is left empty for gRPC, and for HEAD.
    package mutating func write(
        _ refusal: Refusal, to caller: ClientProtocol, isHead: Bool = false, fields: inout FieldBlock,
        body: inout ByteBuffer
    ) {
        let row = refusal.row
        let details = RefusalDetails(refusal)
        writeMessage(of: refusal, row)
        let extent = writeStatus(row.code, details)
        if caller == .grpc {
            StatusFields.appendHead(to: &fields)
            appendHeaders(of: refusal, caller, delay: details.retryDelay, to: &fields)
            StatusFields.append(
                row.code, message: message.readable, details: status.readable, to: &fields, scratch: &scratch)
            return
        }
        fields.append(
            ":status", token: .status, decimal: UInt64(refusal.httpStatus(to: caller)), scratch: &scratch)
        appendHeaders(of: refusal, caller, delay: details.retryDelay, to: &fields)
        if case .methodNotAllowed(let allow) = refusal.cause { append("allow", .other, allow, to: &fields) }
        guard !isHead else { return }
        fields.append(Field("content-type", caller.contentType, token: .contentType))
        let start = body.count
        if caller == .http {
            details.appendJSON(
                code: row.code, message: message.readable, extent: extent, to: &body, scratch: &scratch)
        } else {
            appendEnd(row.code, for: caller, to: &body)
        }
        fields.append(
            "content-length", token: .contentLength, decimal: UInt64(body.count - start), scratch: &scratch)
    }

    /// Writes the end of a gRPC-Web or Connect stream that had begun, where it stands on a message boundary.
    package mutating func writeEnd(_ refusal: Refusal, for caller: ClientProtocol, to body: inout ByteBuffer) {
        let row = refusal.row
        writeMessage(of: refusal, row)
        _ = writeStatus(row.code, RefusalDetails(refusal))
        appendEnd(row.code, for: caller, to: &body)
    }

    /// Writes a refusal as `google.rpc.Status` in JSON.
    package mutating func writeJSON(_ refusal: Refusal, to body: inout ByteBuffer) {
        let row = refusal.row
        let details = RefusalDetails(refusal)
        writeMessage(of: refusal, row)
        let extent = writeStatus(row.code, details)
        details.appendJSON(code: row.code, message: message.readable, extent: extent, to: &body, scratch: &scratch)
    }

    private mutating func appendEnd(_ code: StatusCode, for caller: ClientProtocol, to body: inout ByteBuffer) {
        switch caller {
        case .grpcWeb, .grpcWebText:
            trailers.reset()
            StatusFields.append(
                code, message: message.readable, details: status.readable, to: &trailers, scratch: &scratch)
            guard caller == .grpcWebText else { return WebTrailers.append(trailers.all, to: &body) }
            scratch.removeAll()
            WebTrailers.append(trailers.all, to: &scratch)
            Base64.encode(scratch.readable, into: &body)
        case .connectUnary:
            var json = JSONWriter()
            ConnectError.append(
                code, message: message.readable, status: status.readable, json: &json, to: &body, scratch: &scratch)
        case .connectStream, .connectJSONStream:
            ConnectEnd.append(
                code, message: message.readable, status: status.readable, trailers: .init(start: nil, count: 0), to: &body,
                scratch: &scratch)
        case .grpc, .http: preconditionFailure("neither has its end in the body")
        }
    }

    /// Writes the trailers of a gRPC answer that had begun, where it stands on a message boundary.
    package mutating func writeTrailers(_ refusal: Refusal, fields: inout FieldBlock) {
        let row = refusal.row
        writeMessage(of: refusal, row)
        _ = writeStatus(row.code, RefusalDetails(refusal))
        StatusFields.append(
            row.code, message: message.readable, details: status.readable, to: &fields, scratch: &scratch)
    }

    // MARK: the parts

    /// The row's message, and what the cause adds to it, cut to what a status carries.
    private mutating func writeMessage(of refusal: Refusal, _ row: RefusalRow) {
        message.removeAll()
        message.append(row.message)
        switch refusal.cause {
        case .messageTooLarge(let bytes), .upstreamMessageTooLarge(let bytes):
            message.append(": at most ")
            message.append(decimal: UInt64(clamping: bytes))
            message.append(" bytes")
        case .compressedTooMuch(let ratio):
            message.append(": at most ")
            message.append(decimal: UInt64(clamping: ratio))
            message.append(" to 1")
        case .headTooLarge(let bytes, let fields), .upstreamHeadTooLarge(let bytes, let fields):
            message.append(": at most ")
            message.append(decimal: UInt64(clamping: fields))
            message.append(" fields and ")
            message.append(decimal: UInt64(clamping: bytes))
            message.append(" bytes")
        case .headTooLargeForUpstream(let bytes, let bytesMax), .headTooLargeForCaller(let bytes, let bytesMax):
            message.append(": ")
            message.append(decimal: UInt64(clamping: bytes))
            message.append(" bytes, at most ")
            message.append(decimal: UInt64(clamping: bytesMax))
        case .malformedMessage(let field, let problem), .upstreamMalformedMessage(let field, let problem):
            message.append(": ")
            if !field.isEmpty {
                message.append(field)
                message.append(": ")
            }
            message.append(problem)
        case .upstreamMalformedStatus(let found):
            message.append(": ")
            message.append(found)
        case .upstreamWithoutStatus(let httpStatus):
            message.append(" (HTTP ")
            message.append(decimal: UInt64(clamping: httpStatus))
            message.append(")")
        default: break
        }
        let kept = StatusFields.cut(message.readable).count
        guard kept < message.count else { return }
        scratch.removeAll()
        scratch.append(UnsafeRawBufferPointer(rebasing: message.readable[..<kept]))
        swap(&message, &scratch)
    }

    /// Fills `status` with as much as fits and says how much that was.
    private mutating func writeStatus(_ code: StatusCode, _ details: RefusalDetails) -> RefusalDetails.Extent {
        var extent = RefusalDetails.Extent.everything
        while true {
            status.removeAll()
            details.appendStatus(code: code, message: message.readable, extent: extent, to: &status)
            if status.count <= Self.statusBytesMax { return extent }
            guard let less = extent.less else { preconditionFailure("the least that a refusal says does not fit") }
            extent = less
        }
    }

    private mutating func appendHeaders(
        of refusal: Refusal, _ caller: ClientProtocol, delay: Duration?, to fields: inout FieldBlock
    ) {
        switch refusal.cause {
        case .unauthenticated(let fault): appendChallenge(fault, to: &fields)
        case .permissionDenied(.scope(let required)): appendScopeChallenge(required, to: &fields)
        case .unsupportedCompression(let accepted):
            switch caller {
            case .grpc, .grpcWeb, .grpcWebText: append("grpc-accept-encoding", .grpcAcceptEncoding, accepted, to: &fields)
            case .connectStream, .connectJSONStream: append("connect-accept-encoding", .other, accepted, to: &fields)
            case .connectUnary, .http: append("accept-encoding", .acceptEncoding, accepted, to: &fields)
            }
        default: break
        }
        if let delay {
            fields.append(
                "retry-after", token: .retryAfter, decimal: FieldText.retryAfterSeconds(delay), scratch: &scratch)
        }
    }

    /// RFC 6750, section 3: no error where no token was sent.
    private mutating func appendChallenge(_ fault: TokenFault, to fields: inout FieldBlock) {
        scratch.removeAll()
        scratch.append("Bearer realm=\"martlet\"")
        if fault != .missing {
            scratch.append(", error=\"invalid_token\", error_description=\"")
            scratch.append(fault.row.message)
            scratch.append("\"")
        }
        fields.append("www-authenticate", token: .wwwAuthenticate, scratch.readable)
    }

    private mutating func appendScopeChallenge(_ required: String, to fields: inout FieldBlock) {
        scratch.removeAll()
        scratch.append("Bearer realm=\"martlet\", error=\"insufficient_scope\", scope=")
        FieldText.appendQuoted(required, to: &scratch)
        fields.append("www-authenticate", token: .wwwAuthenticate, scratch.readable)
    }

    private mutating func append(
        _ name: StaticString, _ token: FieldToken, _ value: String, to fields: inout FieldBlock
    ) {
        scratch.removeAll()
        scratch.append(value)
        fields.append(name, token: token, scratch.readable)
    }
}

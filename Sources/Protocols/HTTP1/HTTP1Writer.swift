package import Bytes
package import HTTPModel

/// Heads, chunks and trailers as bytes.
///
/// What frames a message or belongs to one hop is written here, from the plan, and left out where it stands among the
/// fields: pseudo-fields, Connection and its kin, Host, Content-Length, Transfer-Encoding, TE, Expect. Fields that a
/// Connection field nominates are the forwarder's to leave out (`FieldBlock.connectionNominates`).
package enum HTTP1Writer {
    /// - Parameters:
    ///   - target: origin form; bytes that are legal in a target.
    ///   - body: `.untilClose` does not exist for requests.
    ///   - close: announces that this request is the connection's last.
    package static func requestHead(
        method: UnsafeRawBufferPointer, target: UnsafeRawBufferPointer, authority: UnsafeRawBufferPointer,
        fields: borrowing FieldBlock, body: BodyFraming, close: Bool = false, to output: inout ByteBuffer
    ) {
        requestHead(
            method: method, target: target, authority: authority, fields: fields.all, body: body, close: close, to: &output)
    }

    package static func requestHead(
        method: UnsafeRawBufferPointer, target: UnsafeRawBufferPointer, authority: UnsafeRawBufferPointer,
        fields: UnsafeBufferPointer<Field>, body: BodyFraming, close: Bool = false, to output: inout ByteBuffer
    ) {
        precondition(body != .untilClose)
        output.append(method)
        output.append(byte: 0x20)
        output.append(target)
        output.append(" HTTP/1.1\r\nhost: ")
        output.append(authority)
        output.append("\r\n")
        append(fields, to: &output)
        appendCookie(fields, to: &output)
        append(body, to: &output)
        if close { output.append("connection: close\r\n") }
        output.append("\r\n")
    }

    package static func responseHead(
        status: Int, fields: borrowing FieldBlock, plan: ResponsePlan, to output: inout ByteBuffer
    ) {
        responseStart(status: status, fields: fields.all, to: &output)
        responseEnd(plan, to: &output)
    }

    /// A head's first part, for those who come to know only later how long the body is: `responseEnd` must follow, and
    /// fields of the caller's may stand between.
    package static func responseStart(status: Int, fields: UnsafeBufferPointer<Field>, to output: inout ByteBuffer) {
        appendStatusLine(status, to: &output)
        append(fields, to: &output)
    }

    package static func responseEnd(_ plan: ResponsePlan, to output: inout ByteBuffer) {
        append(plan.body, to: &output)
        switch plan.version {
        case .http11 where !plan.keepsAlive: output.append("connection: close\r\n")
        case .http10 where plan.keepsAlive: output.append("connection: keep-alive\r\n")
        default: break
        }
        output.append("\r\n")
    }

    /// An interim response; 100 when the body of a request that `expectsContinue` is wanted.
    package static func interimHead(status: Int, fields: borrowing FieldBlock, to output: inout ByteBuffer) {
        interimHead(status: status, fields: fields.all, to: &output)
    }

    package static func interimHead(status: Int, fields: UnsafeBufferPointer<Field>, to output: inout ByteBuffer) {
        precondition(status >= 100 && status < 200 && status != 101)
        appendStatusLine(status, to: &output)
        append(fields, to: &output)
        output.append("\r\n")
    }

    package static func interimContinue(to output: inout ByteBuffer) { output.append("HTTP/1.1 100 Continue\r\n\r\n") }

    /// One chunk; nothing for no bytes, because an empty chunk is the last.
    package static func chunk(_ bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        guard !bytes.isEmpty else { return }
        chunkStart(count: bytes.count, to: &output)
        output.append(bytes)
        chunkEnd(to: &output)
    }

    /// A chunk whose bytes the caller puts between this and `chunkEnd`.
    package static func chunkStart(count: Int, to output: inout ByteBuffer) {
        precondition(count > 0)
        var shift = (63 - count.leadingZeroBitCount) & ~3
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: count >> shift & 15)
            output.append(byte: digit < 10 ? 0x30 + digit : 0x57 + digit)
            shift -= 4
        }
        output.append("\r\n")
    }

    package static func chunkEnd(to output: inout ByteBuffer) { output.append("\r\n") }

    package static func lastChunk(to output: inout ByteBuffer) { output.append("0\r\n\r\n") }

    package static func lastChunk(trailers: borrowing FieldBlock, to output: inout ByteBuffer) {
        lastChunk(trailers: trailers.all, to: &output)
    }

    package static func lastChunk(trailers: UnsafeBufferPointer<Field>, to output: inout ByteBuffer) {
        output.append("0\r\n")
        append(trailers, to: &output)
        output.append("\r\n")
    }

    private static func appendStatusLine(_ status: Int, to output: inout ByteBuffer) {
        precondition(status >= 100 && status <= 599)
        // A server answers with its own highest version, to HTTP/1.0 too (RFC 9110, section 6.2).
        output.append("HTTP/1.1 ")
        output.append(decimal: UInt64(status))
        output.append(byte: 0x20)
        output.append(ReasonPhrase.of(status))
        output.append("\r\n")
    }

    private static func append(_ body: BodyFraming, to output: inout ByteBuffer) {
        switch body {
        case .none, .untilClose: break
        case .chunked: output.append("transfer-encoding: chunked\r\n")
        case .length(let count):
            output.append("content-length: ")
            output.append(decimal: count)
            output.append("\r\n")
        }
    }

    private static func append(_ fields: UnsafeBufferPointer<Field>, to output: inout ByteBuffer) {
        for field in fields {
            switch field.token {
            case .method, .path, .authority, .scheme, .status, .protocolName, .connection, .keepAlive,
                .proxyConnection, .transferEncoding, .upgrade, .te, .host, .expect, .contentLength, .cookie:
                continue
            default:
                output.append(field.nameBytes)
                output.append(": ")
                appendValue(field.valueBytes, to: &output)
                output.append("\r\n")
            }
        }
    }

    /// HTTP/2 cuts Cookie into crumbs; HTTP/1.1 has one (RFC 9113, section 8.2.3).
    private static func appendCookie(_ fields: UnsafeBufferPointer<Field>, to output: inout ByteBuffer) {
        var isFirst = true
        for field in fields where field.token == .cookie {
            output.append(isFirst ? "cookie: " : "; ")
            appendValue(field.valueBytes, to: &output)
            isFirst = false
        }
        if !isFirst { output.append("\r\n") }
    }

    /// Every reader before us refuses these; if one day one does not, it must not split our message: CR, LF and NUL are
    /// replaced by a space (RFC 9110, section 5.5).
    private static func appendValue(_ value: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        let target = output.writable(atLeast: value.count)
        for index in 0..<value.count {
            let byte = value[index]
            target[index] = byte == 0x0D || byte == 0x0A || byte == 0 ? 0x20 : byte
        }
        output.commit(value.count)
    }
}

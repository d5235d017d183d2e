internal import Bytes
internal import HTTPModel

/// What the fields of a head determine of the length of its body and the life of its connection, noted field by field.
///
/// Anything that two readers could understand differently is refused, not interpreted: RFC 9112, sections 6.1 and 6.3, in
/// their strictest reading, and repeated identical Content-Length too.
struct MessageFraming {
    private(set) var contentLength: UInt64?
    private(set) var isChunked = false
    private(set) var saysClose = false
    private(set) var saysKeepAlive = false
    private(set) var expectsContinue = false
    private(set) var asksForWebSocket = false

    mutating func record(_ field: Field) throws(HTTP1Failure) {
        switch field.token {
        case .contentLength:
            if contentLength != nil { throw .repeatedContentLength }
            // More digits than the largest number has could only be zeros in front, which two readers may take differently.
            guard field.valueCount <= 19, let length = field.number?.exactly(in: 0...UInt64(Int64.max)) else {
                throw .badContentLength
            }
            contentLength = length
        case .transferEncoding:
            if isChunked { throw .badTransferEncoding }
            try recordTransferEncoding(field.valueBytes)
        case .connection:
            var options = ListMembers(field.valueBytes)
            while let option = options.next() {
                if HTTPGrammar.equalsIgnoringCase(option, "close") { saysClose = true }
                if HTTPGrammar.equalsIgnoringCase(option, "keep-alive") { saysKeepAlive = true }
            }
        case .upgrade:
            var protocols = ListMembers(field.valueBytes)
            while let wanted = protocols.next() {
                // A version may stand behind the name (RFC 9110, section 7.8).
                let name = UnsafeRawBufferPointer(rebasing: wanted[..<(wanted.firstIndex(of: UInt8(ascii: "/")) ?? wanted.count)])
                if HTTPGrammar.equalsIgnoringCase(name, "websocket") { asksForWebSocket = true }
            }
        case .expect:
            guard HTTPGrammar.equalsIgnoringCase(field.valueBytes, "100-continue") else { throw .unknownExpectation }
            expectsContinue = true
        default:
            break
        }
    }

    /// To be called at the end of the head.
    func check(_ version: HTTP1Version) throws(HTTP1Failure) {
        if isChunked {
            if version == .http10 { throw .transferEncodingInHTTP10 }
            if contentLength != nil { throw .lengthAndTransferEncoding }
        }
    }

    func keepsAlive(_ version: HTTP1Version) -> Bool {
        switch version {
        case .http10: saysKeepAlive && !saysClose
        case .http11: !saysClose
        }
    }

    /// Exactly `chunked`. A list that ends in it has codings that we do not undo; one that does not has no end.
    private mutating func recordTransferEncoding(_ value: UnsafeRawBufferPointer) throws(HTTP1Failure) {
        if HTTPGrammar.equalsIgnoringCase(value, "chunked") {
            isChunked = true
            return
        }
        var codings = ListMembers(value)
        var count = 0
        var chunkedCount = 0
        var endsChunked = false
        while let coding = codings.next() {
            count += 1
            endsChunked = HTTPGrammar.equalsIgnoringCase(coding, "chunked")
            if endsChunked { chunkedCount += 1 }
        }
        throw endsChunked && chunkedCount == 1 && count > 1 ? .unsupportedTransferCoding : .badTransferEncoding
    }
}

package enum HTTP1Version: UInt8, Sendable {
    case http10, http11

    /// `HTTP-version` is case-sensitive (RFC 9112, section 2.3). A well-formed version that is not ours is told apart from
    /// none at all, which is `nil`.
    static func parse(_ bytes: UnsafeRawBufferPointer) throws(HTTP1Failure) -> HTTP1Version? {
        let prefix: StaticString = "HTTP/"
        guard bytes.count == 8 else { return nil }
        for index in 0..<5 where bytes[index] != prefix.utf8Start[index] { return nil }
        guard HTTPGrammar.isDigit(bytes[5]), bytes[6] == UInt8(ascii: "."), HTTPGrammar.isDigit(bytes[7]) else {
            return nil
        }
        guard bytes[5] == UInt8(ascii: "1") else { throw .unsupportedVersion }
        switch bytes[7] {
        case UInt8(ascii: "0"): return .http10
        case UInt8(ascii: "1"): return .http11
        default: throw .unsupportedVersion
        }
    }
}

/// What was wrong with a message. The connection ends with it: after any of these it is unknown where the next message
/// begins.
package enum HTTP1Failure: UInt8, Error, CaseIterable, Sendable {
    // The request line (RFC 9112, section 3).
    case malformedRequestLine, unsupportedVersion, methodTooLong, connectNotSupported, targetTooLong, badTarget
    // Host (section 3.2).
    case missingHost, repeatedHost, badHost, hostContradictsTarget
    // Lines and fields (sections 2.2 and 5).
    case bareLineFeed, foldedField, malformedFieldName, badFieldValue, fieldsTooLarge, tooManyFields
    // The length of the body (section 6).
    case repeatedContentLength, badContentLength, lengthAndTransferEncoding
    case badTransferEncoding, unsupportedTransferCoding, transferEncodingInHTTP10, bodyTooLarge
    // Chunks (section 7.1).
    case badChunkSize, badChunkEnd, chunkExtensionsTooLarge, forbiddenTrailer
    // RFC 9110, section 10.1.1.
    case unknownExpectation
    // Responses only: the upstream's fault.
    case malformedStatusLine, unsolicitedResponse, unexpectedUpgrade, tooManyInterimResponses, truncated

    /// The status that a server answers with before it closes. What only a response can get wrong is 502, a gateway's
    /// answer to its own caller, as everything else is once it was found in a response.
    package var answer: Int {
        switch self {
        case .unsupportedVersion: 505
        case .methodTooLong, .connectNotSupported, .unsupportedTransferCoding: 501
        case .targetTooLong: 414
        case .fieldsTooLarge, .tooManyFields: 431
        case .bodyTooLarge: 413
        case .unknownExpectation: 417
        case .malformedStatusLine, .unsolicitedResponse, .unexpectedUpgrade, .tooManyInterimResponses: 502
        default: 400
        }
    }

    /// A head or trailers are larger than what is read.
    package var isSectionLimit: Bool { self == .fieldsTooLarge || self == .tooManyFields }

    /// For a log and an answer's body; never contains what the peer sent.
    package var text: StaticString {
        switch self {
        case .malformedRequestLine: "malformed request line"
        case .unsupportedVersion: "HTTP version not supported"
        case .methodTooLong: "method too long"
        case .connectNotSupported: "CONNECT is not supported"
        case .targetTooLong: "request target too long"
        case .badTarget: "malformed request target"
        case .missingHost: "Host is missing"
        case .repeatedHost: "more than one Host"
        case .badHost: "malformed Host"
        case .hostContradictsTarget: "Host contradicts the request target"
        case .bareLineFeed: "line ended without a carriage return"
        case .foldedField: "folded header line"
        case .malformedFieldName: "malformed header name"
        case .badFieldValue: "forbidden character in a header value"
        case .fieldsTooLarge: "header fields too large"
        case .tooManyFields: "too many header fields"
        case .repeatedContentLength: "more than one Content-Length"
        case .badContentLength: "malformed Content-Length"
        case .lengthAndTransferEncoding: "Content-Length beside Transfer-Encoding"
        case .badTransferEncoding: "malformed Transfer-Encoding"
        case .unsupportedTransferCoding: "transfer coding not supported"
        case .transferEncodingInHTTP10: "Transfer-Encoding in HTTP/1.0"
        case .bodyTooLarge: "body too large"
        case .badChunkSize: "malformed chunk size"
        case .badChunkEnd: "chunk not ended by a line break"
        case .chunkExtensionsTooLarge: "chunk extensions too large"
        case .forbiddenTrailer: "forbidden trailer field"
        case .unknownExpectation: "unknown expectation"
        case .malformedStatusLine: "malformed status line"
        case .unsolicitedResponse: "response without a request"
        case .unexpectedUpgrade: "unexpected change of protocol"
        case .tooManyInterimResponses: "too many interim responses"
        case .truncated: "message cut short"
        }
    }
}

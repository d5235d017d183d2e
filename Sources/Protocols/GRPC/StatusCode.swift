internal import Bytes

/// How a call ended: gRPC's status codes (gRPC, "Status codes and their use").
@usableFromInline package enum StatusCode: UInt8, CaseIterable, Sendable {
    case ok, cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
    case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented, `internal`, unavailable, dataLoss
    case unauthenticated

    /// What `grpc-status` says. A number that is no code, or no number, is `unknown`, as gRPC asks of readers.
    package init(field: UnsafeRawBufferPointer) {
        self = StatusCode(digits: field) ?? .unknown
    }

    /// `nil` for a number that is no code, and for what is no number: one with a leading zero is none either, as its bytes
    /// would not be the code's.
    package init?(digits: UnsafeRawBufferPointer) {
        if digits.count == 1 {
            // Nearly every one.
            guard case let digit = digits[0] &- UInt8(ascii: "0"), digit <= 9, let code = StatusCode(rawValue: digit) else {
                return nil
            }
            self = code
            return
        }
        guard digits.count == 2, digits[0] != UInt8(ascii: "0") else { return nil }
        guard let number = Decimal.read(digits)?.exactly(as: UInt8.self), let code = StatusCode(rawValue: number) else {
            return nil
        }
        self = code
    }

    /// What an answer without a `grpc-status` means, by its HTTP status. Asymmetric to `httpStatus` on purpose (gRPC,
    /// "HTTP to gRPC status code mapping"); 200 without a status is `unknown` too.
    package init(httpStatusWithoutGRPCStatus status: Int) {
        switch status {
        case 400, 431: self = .internal
        case 401: self = .unauthenticated
        case 403: self = .permissionDenied
        case 404: self = .unimplemented
        case 429, 502, 503, 504: self = .unavailable
        default: self = .unknown
        }
    }

    /// What RST_STREAM with this error code means (gRPC over HTTP/2, "Errors"; RFC 9113, section 7).
    package init(http2ErrorCode code: UInt32) {
        switch code {
        case 0x0, 0x1, 0x2, 0x3, 0x4, 0x6, 0x9, 0xA: self = .internal
        case 0x7: self = .unavailable  // REFUSED_STREAM: nothing was processed, safe to retry
        case 0x8: self = .cancelled
        case 0xB: self = .resourceExhausted  // ENHANCE_YOUR_CALM
        case 0xC: self = .permissionDenied  // INADEQUATE_SECURITY
        default: self = .unknown  // STREAM_CLOSED and HTTP_1_1_REQUIRED have no mapping
        }
    }

    /// The HTTP status for a caller who does not speak gRPC (google.rpc.Code). 499 is nginx's "client closed request".
    package var httpStatus: Int {
        switch self {
        case .ok: 200
        case .cancelled: 499
        case .invalidArgument, .failedPrecondition, .outOfRange: 400
        case .deadlineExceeded: 504
        case .notFound: 404
        case .alreadyExists, .aborted: 409
        case .permissionDenied: 403
        case .resourceExhausted: 429
        case .unimplemented: 501
        case .unavailable: 503
        case .unauthenticated: 401
        case .unknown, .internal, .dataLoss: 500
        }
    }

    /// The value of `grpc-status`.
    package var digits: StaticString {
        switch self {
        case .ok: "0"
        case .cancelled: "1"
        case .unknown: "2"
        case .invalidArgument: "3"
        case .deadlineExceeded: "4"
        case .notFound: "5"
        case .alreadyExists: "6"
        case .permissionDenied: "7"
        case .resourceExhausted: "8"
        case .failedPrecondition: "9"
        case .aborted: "10"
        case .outOfRange: "11"
        case .unimplemented: "12"
        case .internal: "13"
        case .unavailable: "14"
        case .dataLoss: "15"
        case .unauthenticated: "16"
        }
    }

    /// The name in logs and metrics.
    package var name: StaticString {
        switch self {
        case .ok: "OK"
        case .cancelled: "CANCELLED"
        case .unknown: "UNKNOWN"
        case .invalidArgument: "INVALID_ARGUMENT"
        case .deadlineExceeded: "DEADLINE_EXCEEDED"
        case .notFound: "NOT_FOUND"
        case .alreadyExists: "ALREADY_EXISTS"
        case .permissionDenied: "PERMISSION_DENIED"
        case .resourceExhausted: "RESOURCE_EXHAUSTED"
        case .failedPrecondition: "FAILED_PRECONDITION"
        case .aborted: "ABORTED"
        case .outOfRange: "OUT_OF_RANGE"
        case .unimplemented: "UNIMPLEMENTED"
        case .internal: "INTERNAL"
        case .unavailable: "UNAVAILABLE"
        case .dataLoss: "DATA_LOSS"
        case .unauthenticated: "UNAUTHENTICATED"
        }
    }
}

internal import Bytes

/// How long the caller is willing to wait, read from `grpc-timeout`.
///
/// One to eight digits and a unit: `H M S m u n`. No header means no limit. Zero means the time is already up. Anything
/// else is the caller's mistake and ends the call. (gRPC over HTTP/2, "Requests", TimeoutValue.)
///
/// Turned into a deadline once, at the head, against the worker's clock; after that no code subtracts durations.
package struct GRPCTimeout: Equatable, Sendable {
    package let duration: Duration

    /// `nil` where the text is none.
    package init?(_ text: UnsafeRawBufferPointer) {
        guard let unit = text.last, text.count >= 2, text.count <= 9,
            let value = Decimal.read(UnsafeRawBufferPointer(rebasing: text.dropLast()))
        else { return nil }
        switch unit {
        case UInt8(ascii: "n"): duration = .nanoseconds(value.clamped(as: Int64.self))
        case UInt8(ascii: "u"): duration = .microseconds(value.clamped(as: Int64.self))
        case UInt8(ascii: "m"): duration = .milliseconds(value.clamped(as: Int64.self))
        case UInt8(ascii: "S"): duration = .seconds(value.clamped(as: Int64.self))
        case UInt8(ascii: "M"): duration = .seconds(value.scaled(by: 60).clamped(as: Int64.self))
        case UInt8(ascii: "H"): duration = .seconds(value.scaled(by: 3600).clamped(as: Int64.self))
        default: return nil
        }
    }
}

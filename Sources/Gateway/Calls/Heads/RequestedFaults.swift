internal import Bytes
internal import GRPC
package import GatewayModel
package import HTTPModel
internal import Time

/// What goes wrong with a request on purpose: what its route says, and what a trusted peer asks for by Envoy's headers, where the route lets it.
///
/// A value that is none that can be asked for asks for nothing. Of several headers of a name the first counts.
package struct RequestedFaults {
    package private(set) var delay: FaultConfiguration.Delay?
    package private(set) var abort: FaultConfiguration.Abort?

    private static let prefix: StaticString = "x-envoy-fault-"

    /// - Parameter isTrusted: whether the peer may ask.
    package init(_ fault: FaultConfiguration, on stream: StreamPointer, isTrusted: Bool) {
        delay = fault.delay
        abort = fault.abort
        guard fault.isByHeader else { return }
        if let bound = delay, bound.isByHeader { delay = isTrusted ? Self.delay(in: stream, within: bound) : nil }
        if let bound = abort, bound.isByHeader { abort = isTrusted ? Self.abort(in: stream, within: bound) : nil }
        Self.removeHeaders(of: stream)
    }

    private static func delay(in stream: StreamPointer, within bound: FaultConfiguration.Delay) -> FaultConfiguration.Delay? {
        let longest = UInt64(bound.duration.nanoseconds / 1_000_000)
        guard let asked = number("delay-request", stream)?.clamped(to: 0...longest), asked > 0 else { return nil }
        var delay = bound
        delay.duration = .milliseconds(asked)
        return fraction("delay-request-percentage", stream, within: bound.fraction).map {
            delay.fraction = $0
            return delay
        }
    }

    private static func abort(in stream: StreamPointer, within bound: FaultConfiguration.Abort) -> FaultConfiguration.Abort? {
        let http = number("abort-request", stream)?.exactly(in: 400...599).map { Int($0) }
        let grpc = number("abort-grpc-request", stream)?.exactly(in: 1...16).flatMap { StatusCode(rawValue: UInt8($0)) }
        guard let status = grpc ?? http.map({ StatusCode(httpStatusWithoutGRPCStatus: $0) }) else { return nil }
        var abort = bound
        abort.status = status
        abort.httpStatus = http ?? status.httpStatus
        return fraction("abort-request-percentage", stream, within: bound.fraction).map {
            abort.fraction = $0
            return abort
        }
    }

    /// `nil` for a percentage that is none. Envoy takes its own for what is no number, so that `0.5` or `5%` may mean every request.
    private static func fraction(_ name: StaticString, _ stream: StreamPointer, within bound: Fraction) -> Fraction? {
        guard let field = field(name, stream) else { return bound }
        guard let percent = field.number?.exactly(in: 0...100) else { return nil }
        var fraction = bound
        fraction.millionths = min(UInt32(percent) * 10_000, bound.millionths)
        return fraction
    }

    /// The number in the first header of this name; `nil` where there is none.
    private static func number(_ name: StaticString, _ stream: StreamPointer) -> Untrusted<UInt64>? { field(name, stream)?.number }

    private static func field(_ name: StaticString, _ stream: StreamPointer) -> Field? {
        for index in 0..<stream.trailersStart where stream.fields[index].token == .other {
            let whole = stream.fields[index].nameBytes
            guard isOfFaults(whole), BorrowedBytes(rebasing: whole[prefix.utf8CodeUnitCount...]).equals(name) else { continue }
            return stream.fields[index]
        }
        return nil
    }

    private static func removeHeaders(of stream: StreamPointer) {
        for index in 0..<stream.trailersStart where isOfFaults(stream.fields[index].nameBytes) {
            stream.fields.suppress(at: index)
        }
    }

    private static func isOfFaults(_ name: BorrowedBytes) -> Bool {
        name.count >= prefix.utf8CodeUnitCount
            && BorrowedBytes(rebasing: name[..<prefix.utf8CodeUnitCount]).equals(prefix)
    }
}

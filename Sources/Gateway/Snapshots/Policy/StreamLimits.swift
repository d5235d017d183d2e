package import GatewayModel
internal import Time

/// What a route says of its calls' streams in place of their listener.
package struct StreamLimits: Sendable {
    /// `nil` for the listener's, the largest number for none.
    package let bodyBytesMax: Int?
    /// `nil` for the listener's, the largest number for none.
    package let idleNanoseconds: UInt64?

    /// - Returns: `nil` where the route says nothing.
    package init?(_ route: RouteConfiguration) {
        guard route.bodyBytes != nil || route.streamIdle != nil else { return nil }
        bodyBytesMax = route.bodyBytes.map { if case .atMost(let bytes) = $0 { bytes } else { .max } }
        idleNanoseconds = route.streamIdle.map { if case .atMost(let idle) = $0 { UInt64(idle.nanoseconds) } else { .max } }
    }
}

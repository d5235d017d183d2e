/// Why bytes are no protobuf (Protocol Buffers, "Encoding").
package enum WireFailure: Error, Hashable, Sendable {
    case truncated
    case varintTooLong
    /// Field number zero, one beyond 2²⁹−1, or a wire type that does not exist.
    case badTag
    case groupNotClosed
    case nestedTooDeep
}

/// How a value lies on the wire.
package enum WireType: UInt8, Sendable {
    case varint, fixed64, bytes, groupStart, groupEnd, fixed32
}

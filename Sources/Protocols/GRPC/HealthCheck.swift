package import Bytes

/// The two small messages of `grpc.health.v1.Health`, for our checks of endpoints and our own health service.
package enum HealthCheck {
    package static let checkPath: StaticString = "/grpc.health.v1.Health/Check"
    package static let watchPath: StaticString = "/grpc.health.v1.Health/Watch"

    package enum ServingStatus: UInt8, Sendable {
        /// Also every status that we do not know.
        case unknown
        case serving, notServing
        /// Only Watch says so; Check ends in NOT_FOUND instead.
        case serviceUnknown
    }

    /// Appends a request for `service`; empty asks about the whole server.
    package static func appendRequest(service: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        WireWriter.field(1, bytes: service, into: &buffer)
    }

    package static func appendResponse(_ status: ServingStatus, to buffer: inout ByteBuffer) {
        WireWriter.field(1, varint: UInt64(status.rawValue), into: &buffer)
    }

    /// The service that a request asks about: a slice of it, or empty.
    package static func service(
        inRequest message: UnsafeRawBufferPointer
    ) throws(WireReader.Failure) -> UnsafeRawBufferPointer {
        var service = UnsafeRawBufferPointer(start: nil, count: 0)
        var reader = WireReader(message)
        while let tag = try reader.next() {
            if tag.number == 1, tag.type == .bytes { service = try reader.text() } else { try reader.skip(tag) }
        }
        return service
    }

    package static func status(
        inResponse message: UnsafeRawBufferPointer
    ) throws(WireReader.Failure) -> ServingStatus {
        var status = ServingStatus.unknown
        var reader = WireReader(message)
        while let tag = try reader.next() {
            if tag.number == 1, tag.type == .varint {
                status = try reader.uint32().exactly(as: UInt8.self).flatMap { ServingStatus(rawValue: $0) } ?? .unknown
            } else {
                try reader.skip(tag)
            }
        }
        return status
    }
}

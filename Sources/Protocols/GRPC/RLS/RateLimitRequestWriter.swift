package import Bytes

/// Writes an `envoy.service.ratelimit.v3.RateLimitRequest` to the end of a buffer, field by field in their order:
///
///     domain, then per descriptor  beginDescriptor  entry…  override?  endDescriptor,  then hitsAddend
///
/// By hand because it is written once a request; a test holds it equal to the generated message.
package enum RateLimitRequestWriter {
    package static let path: StaticString = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"

    package static func domain(_ domain: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        WireWriter.field(1, bytes: domain, into: &buffer)
    }

    /// Returns the descriptor's place, for `endDescriptor`. Nothing may be consumed from the buffer in between.
    package static func beginDescriptor(in buffer: inout ByteBuffer) -> Int { WireWriter.open(2, in: &buffer) }

    /// One key and value of the open descriptor. The value may be empty, the key may not.
    package static func entry(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, into buffer: inout ByteBuffer
    ) {
        let place = WireWriter.open(1, in: &buffer)
        WireWriter.field(1, bytes: key, into: &buffer)
        WireWriter.field(2, bytes: value, into: &buffer)
        WireWriter.close(place, in: &buffer)
    }

    /// The limit of the open descriptor, in place of what the service has for it.
    package static func override(requestsPerUnit: UInt32, unit: RateLimitUnit, into buffer: inout ByteBuffer) {
        let place = WireWriter.open(2, in: &buffer)
        WireWriter.field(1, varint: UInt64(requestsPerUnit), into: &buffer)
        WireWriter.field(2, varint: UInt64(unit.rawValue), into: &buffer)
        WireWriter.close(place, in: &buffer)
    }

    /// How much the open descriptor counts, in place of the request's; zero asks without charging.
    package static func descriptorHitsAddend(_ hits: UInt64, into buffer: inout ByteBuffer) {
        let place = WireWriter.open(3, in: &buffer)
        WireWriter.field(1, varint: hits, into: &buffer)
        WireWriter.close(place, in: &buffer)
    }

    package static func endDescriptor(_ place: Int, in buffer: inout ByteBuffer) { WireWriter.close(place, in: &buffer) }

    /// How much the request counts. Zero is not written and means one.
    package static func hitsAddend(_ hits: UInt32, into buffer: inout ByteBuffer) {
        WireWriter.field(3, varint: UInt64(hits), into: &buffer)
    }
}

/// The unit of a limit, in a request (`envoy.type.v3.RateLimitUnit`) and in an answer (`RateLimit.Unit`), whose numbers
/// agree. Only an answer can say `week`.
package enum RateLimitUnit: UInt8, Sendable {
    case unknown, second, minute, hour, day, month, year, week

    /// The window's length; a month is 30 days and a year 365, as in envoyproxy/ratelimit. `nil` for `unknown`.
    package var seconds: UInt64? {
        switch self {
        case .unknown: nil
        case .second: 1
        case .minute: 60
        case .hour: 3_600
        case .day: 86_400
        case .week: 604_800
        case .month: 2_592_000
        case .year: 31_536_000
        }
    }
}

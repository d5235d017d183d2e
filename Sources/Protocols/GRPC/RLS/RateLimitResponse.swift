package import Bytes

/// A view of an encoded `envoy.service.ratelimit.v3.RateLimitResponse`.
///
/// The whole message is checked once, at the start; after that its parts are walked without failing and without
/// allocating. All slices are of the bytes it was made of. By hand because it is read once a request; a test holds it
/// equal to the generated message.
package struct RateLimitResponse {
    package enum Code: UInt8, Sendable {
        /// Also every code that we do not know.
        case unknown
        case ok, overLimit
    }

    /// What the service says about one descriptor.
    package struct Status {
        package var code = Code.unknown
        /// `nil` where no rule fits the descriptor.
        package var currentLimit: Limit?
        package var limitRemaining = Untrusted<UInt32>(0)
        /// At most 2⁶³−1; `nil` where the service does not say, zero where it says a negative time.
        package var nanosecondsUntilReset: UInt64?
    }

    package struct Limit {
        package var requestsPerUnit = Untrusted<UInt32>(0)
        package var unit = RateLimitUnit.unknown
        /// Empty where the rule has no name.
        package var name = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    package private(set) var overallCode = Code.unknown
    package private(set) var statusCount = 0
    private let message: UnsafeRawBufferPointer

    package init(_ message: UnsafeRawBufferPointer) throws(WireReader.Failure) {
        self.message = message
        var reader = WireReader(message)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (1, .varint): overallCode = Self.code(try reader.uint32())
            case (2, .bytes):
                _ = try Self.status(try reader.bytes())
                statusCount += 1
            case (3, .bytes):
                try Self.checkHeader(try reader.bytes())
            default: try reader.skip(tag)
            }
        }
    }

    /// In the order of the request's descriptors.
    package func forEachStatus(_ visit: (Status) -> Void) {
        do throws(WireReader.Failure) {
            var reader = WireReader(message)
            while let tag = try reader.next() {
                if tag.number == 2, tag.type == .bytes { visit(try Self.status(try reader.bytes())) } else { try reader.skip(tag) }
            }
        } catch {
            preconditionFailure("a message that was checked no longer parses: its bytes were changed")
        }
    }

    // MARK: the parts

    private static func status(_ bytes: UnsafeRawBufferPointer) throws(WireReader.Failure) -> Status {
        var status = Status()
        var reset = WireDuration()
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (1, .varint): status.code = code(try reader.uint32())
            case (2, .bytes):
                // A singular message that comes twice is merged.
                var limit = status.currentLimit ?? Limit()
                try read(try reader.bytes(), into: &limit)
                status.currentLimit = limit
            case (3, .varint): status.limitRemaining = try reader.uint32()
            case (4, .bytes):
                try reset.merge(try reader.bytes())
                status.nanosecondsUntilReset = try nanoseconds(reset)
            default: try reader.skip(tag)
            }
        }
        return status
    }

    private static func read(
        _ bytes: UnsafeRawBufferPointer, into limit: inout Limit
    ) throws(WireReader.Failure) {
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (1, .varint): limit.requestsPerUnit = try reader.uint32()
            case (2, .varint):
                limit.unit = try reader.uint32().exactly(as: UInt8.self).flatMap { RateLimitUnit(rawValue: $0) } ?? .unknown
            case (3, .bytes): limit.name = try reader.text()
            default: try reader.skip(tag)
            }
        }
    }

    /// A header for the answer to the caller; none is passed on.
    private static func checkHeader(_ bytes: UnsafeRawBufferPointer) throws(WireReader.Failure) {
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (1, .bytes), (2, .bytes): _ = try reader.text()
            default: try reader.skip(tag)
            }
        }
    }

    private static func code(_ number: Untrusted<UInt32>) -> Code {
        switch number.exactly(in: 1...2) {
        case 1: .ok
        case 2: .overLimit
        default: .unknown
        }
    }

    /// A time that has passed is zero. One that is no `google.protobuf.Duration`, or that no clock of ours reaches (292 years), is
    /// no answer to a question about limits, of which the longest window is a year.
    private static func nanoseconds(_ duration: WireDuration) throws(WireReader.Failure) -> UInt64 {
        guard let whole = duration.seconds.exactly(in: -315_576_000_000...315_576_000_000),
            let part = duration.nanoseconds.exactly(in: -999_999_999...999_999_999)
        else { throw .numberOutOfRange }
        guard whole >= 0 else { return 0 }
        let sum = duration.seconds.scaled(by: 1_000_000_000).addingSaturating(Untrusted(part))
        guard sum.exactly(in: .min ... .max) != nil else { throw .numberOutOfRange }
        return sum.clamped(as: UInt64.self)
    }
}

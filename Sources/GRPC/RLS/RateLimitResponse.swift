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

    package struct Header {
        package var key = UnsafeRawBufferPointer(start: nil, count: 0)
        /// `value`, or `raw_value` where that is not empty.
        package var value = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    package private(set) var overallCode = Code.unknown
    package private(set) var statusCount = 0
    package private(set) var responseHeaderCount = 0
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
                _ = try Self.header(try reader.bytes())
                responseHeaderCount += 1
            default: try reader.skip(tag)
            }
        }
    }

    /// In the order of the request's descriptors.
    package func forEachStatus(_ visit: (Status) -> Void) {
        forEach(field: 2) { bytes throws(WireReader.Failure) in visit(try Self.status(bytes)) }
    }

    /// Headers for the answer to the caller.
    package func forEachResponseHeader(_ visit: (Header) -> Void) {
        forEach(field: 3) { bytes throws(WireReader.Failure) in visit(try Self.header(bytes)) }
    }

    private func forEach(
        field number: UInt32, _ visit: (UnsafeRawBufferPointer) throws(WireReader.Failure) -> Void
    ) {
        do throws(WireReader.Failure) {
            var reader = WireReader(message)
            while let tag = try reader.next() {
                if tag.number == number, tag.type == .bytes { try visit(try reader.bytes()) } else { try reader.skip(tag) }
            }
        } catch {
            preconditionFailure("a message that was checked no longer parses: its bytes were changed")
        }
    }

    // MARK: the parts

    private static func status(_ bytes: UnsafeRawBufferPointer) throws(WireReader.Failure) -> Status {
        var status = Status()
        var reset: (seconds: Untrusted<Int64>, nanos: Untrusted<Int32>) = (Untrusted(0), Untrusted(0))
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
                try readDuration(try reader.bytes(), into: &reset)
                status.nanosecondsUntilReset = try nanoseconds(reset.seconds, reset.nanos)
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

    private static func readDuration(
        _ bytes: UnsafeRawBufferPointer, into duration: inout (seconds: Untrusted<Int64>, nanos: Untrusted<Int32>)
    ) throws(WireReader.Failure) {
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (1, .varint): duration.seconds = try reader.int64()
            case (2, .varint): duration.nanos = try reader.int32()
            default: try reader.skip(tag)
            }
        }
    }

    private static func header(_ bytes: UnsafeRawBufferPointer) throws(WireReader.Failure) -> Header {
        var header = Header()
        var raw = UnsafeRawBufferPointer(start: nil, count: 0)
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (1, .bytes): header.key = try reader.text()
            case (2, .bytes): header.value = try reader.text()
            case (3, .bytes): raw = try reader.bytes()
            default: try reader.skip(tag)
            }
        }
        if raw.count > 0 { header.value = raw }
        return header
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
    private static func nanoseconds(
        _ seconds: Untrusted<Int64>, _ nanos: Untrusted<Int32>
    ) throws(WireReader.Failure) -> UInt64 {
        guard let whole = seconds.exactly(in: -315_576_000_000...315_576_000_000),
            let part = nanos.exactly(in: -999_999_999...999_999_999)
        else { throw .numberOutOfRange }
        guard whole >= 0 else { return 0 }
        let sum = seconds.scaled(by: 1_000_000_000).addingSaturating(Untrusted(part))
        guard sum.exactly(in: .min ... .max) != nil else { throw .numberOutOfRange }
        return sum.clamped(as: UInt64.self)
    }
}

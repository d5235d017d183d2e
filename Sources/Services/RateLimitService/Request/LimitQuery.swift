package import Bytes
package import GRPC

/// An `envoy.service.ratelimit.v3.RateLimitRequest` as slices of its bytes.
///
/// By hand because it is read once a request; a test holds it equal to the generated message. Its lists are used again
/// for the next request. One per worker.
package struct LimitQuery {
    package struct Entry {
        package var key = UnsafeRawBufferPointer(start: nil, count: 0)
        package var value = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    package struct Descriptor {
        /// In `entries`.
        package var entries: Range<Int>
        /// Takes the place of the rule that would be found.
        package var override: Override?
        /// Takes the place of the request's.
        package var hits: Untrusted<UInt64>?
    }

    package struct Override: Equatable {
        package var requests = Untrusted<UInt32>(0)
        package var unit = RateLimitUnit.unknown
    }

    package enum Failure: Error, Equatable {
        case malformed(WireReader.Failure)
        case noDomain
        case noDescriptors
        /// A descriptor without an entry.
        case noEntries
        case emptyKey
        case overrideWithoutUnit
        /// More descriptors or entries than we take.
        case tooMuch
    }

    static let descriptorsMax = 100
    /// In all descriptors together.
    static let entriesMax = 1000

    package private(set) var domain = UnsafeRawBufferPointer(start: nil, count: 0)
    package private(set) var descriptors: [Descriptor] = []
    package private(set) var entries: [Entry] = []
    private var hitsAddend = Untrusted<UInt32>(0)
    private var isTooMuch = false

    package init() {}

    /// What a descriptor counts: its own number, zero included, or the request's, which is one where it says nothing.
    package func hits(of descriptor: Descriptor) -> Untrusted<UInt64> {
        descriptor.hits ?? Untrusted(hitsAddend.clamped(to: 1 ... .max))
    }

    /// Reads a request; what was read before is forgotten. The slices live as long as `message`.
    package mutating func read(_ message: UnsafeRawBufferPointer) throws(Failure) {
        domain = UnsafeRawBufferPointer(start: nil, count: 0)
        descriptors.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
        hitsAddend = Untrusted(0)
        isTooMuch = false
        do throws(WireReader.Failure) {
            var reader = WireReader(message)
            while let tag = try reader.next() {
                switch (tag.number, tag.type) {
                case (1, .bytes): domain = try reader.text()
                case (2, .bytes):
                    try readDescriptor(try reader.bytes())
                case (3, .varint): hitsAddend = try reader.uint32()
                default: try reader.skip(tag)
                }
            }
        } catch {
            throw .malformed(error)
        }
        guard !isTooMuch else { throw .tooMuch }
        guard domain.count > 0 else { throw .noDomain }
        guard !descriptors.isEmpty else { throw .noDescriptors }
        for descriptor in descriptors where descriptor.entries.isEmpty { throw .noEntries }
        for entry in entries where entry.key.count == 0 { throw .emptyKey }
        for descriptor in descriptors where descriptor.override?.unit == .unknown { throw .overrideWithoutUnit }
    }

    private mutating func readDescriptor(_ bytes: UnsafeRawBufferPointer) throws(WireReader.Failure) {
        let start = entries.count
        var override: Override?
        var hits: Untrusted<UInt64>?
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (1, .bytes):
                let entry = try Self.entry(try reader.bytes())
                if entries.count < Self.entriesMax { entries.append(entry) } else { isTooMuch = true }
            case (2, .bytes):
                // A singular message that comes twice is merged.
                var merged = override ?? Override()
                try Self.read(try reader.bytes(), into: &merged)
                override = merged
            case (3, .bytes):
                var value = hits ?? Untrusted(0)
                try Self.readWrapped(try reader.bytes(), into: &value)
                hits = value
            default: try reader.skip(tag)
            }
        }
        guard descriptors.count < Self.descriptorsMax else { isTooMuch = true; return }
        descriptors.append(Descriptor(entries: start..<entries.count, override: override, hits: hits))
    }

    private static func entry(_ bytes: UnsafeRawBufferPointer) throws(WireReader.Failure) -> Entry {
        var entry = Entry()
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (1, .bytes): entry.key = try reader.text()
            case (2, .bytes): entry.value = try reader.text()
            default: try reader.skip(tag)
            }
        }
        return entry
    }

    private static func read(
        _ bytes: UnsafeRawBufferPointer, into override: inout Override
    ) throws(WireReader.Failure) {
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (1, .varint): override.requests = try reader.uint32()
            case (2, .varint):
                // The request's enumeration ends at YEAR; only answers know WEEK.
                let number = try reader.uint32().exactly(in: 0...6)
                override.unit = number.flatMap { RateLimitUnit(rawValue: UInt8(truncatingIfNeeded: $0)) } ?? .unknown
            default: try reader.skip(tag)
            }
        }
    }

    private static func readWrapped(
        _ bytes: UnsafeRawBufferPointer, into value: inout Untrusted<UInt64>
    ) throws(WireReader.Failure) {
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            if tag.number == 1, tag.type == .varint { value = try reader.uint64() } else { try reader.skip(tag) }
        }
    }
}

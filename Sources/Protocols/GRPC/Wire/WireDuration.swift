package import Bytes

/// A `google.protobuf.Duration` as it came: neither part is known to be within its bounds.
package struct WireDuration {
    package private(set) var seconds = Untrusted<Int64>(0)
    package private(set) var nanoseconds = Untrusted<Int32>(0)

    package init() {}

    /// Reads one more of the field's encodings: a singular message that comes twice is merged.
    package mutating func merge(_ bytes: UnsafeRawBufferPointer) throws(WireReader.Failure) {
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (1, .varint): seconds = try reader.int64()
            case (2, .varint): nanoseconds = try reader.int32()
            default: try reader.skip(tag)
            }
        }
    }
}

/// What the features of editions say of a field, with what proto2 and proto3 mean by themselves (google.protobuf.FeatureSet).
struct Features {
    enum Presence { case explicit, implicit, required }

    var presence: Presence
    var enumsAreOpen: Bool
    var isPacked: Bool
    var checksUTF8: Bool
    var isDelimited = false

    static let proto2 = Features(presence: .explicit, enumsAreOpen: false, isPacked: false, checksUTF8: false)
    static let proto3 = Features(presence: .implicit, enumsAreOpen: true, isPacked: true, checksUTF8: true)
    static let editions = Features(presence: .explicit, enumsAreOpen: true, isPacked: true, checksUTF8: true)

    /// With what `changes`, the bytes of a FeatureSet, say instead.
    func changed(by changes: [UInt8]?) throws(WireFailure) -> Features {
        guard let changes else { return self }
        var result = self
        try changes.forEachField { (number, field) throws(WireFailure) in
            guard case .number(let value) = field else { return }
            switch (number, value) {
            case (1, 1): result.presence = .explicit
            case (1, 2): result.presence = .implicit
            case (1, 3): result.presence = .required
            case (2, 1): result.enumsAreOpen = true
            case (2, 2): result.enumsAreOpen = false
            case (3, 1): result.isPacked = true
            case (3, 2): result.isPacked = false
            case (4, 2): result.checksUTF8 = true
            case (4, 3): result.checksUTF8 = false
            case (5, 1): result.isDelimited = false
            case (5, 2): result.isDelimited = true
            default: break
            }
        }
        return result
    }
}

/// A value of a descriptor, which is read once and slowly.
enum DescriptorValue {
    case number(UInt64)
    case bytes([UInt8])

    var text: String { if case .bytes(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { "" } }
    var number: UInt64 { if case .number(let number) = self { number } else { 0 } }
    var isTrue: Bool { number != 0 }
    var bytes: [UInt8] { if case .bytes(let bytes) = self { bytes } else { [] } }
}

extension [UInt8] {
    /// Calls `body` for each field; groups and fixed numbers, which no descriptor has, are passed over.
    func forEachField(_ body: (UInt32, DescriptorValue) throws(WireFailure) -> Void) throws(WireFailure) {
        try withBytes { (bytes) throws(WireFailure) in
            var cursor = WireCursor(bytes)
            while !cursor.isAtEnd {
                let tag = try cursor.tag()
                switch tag & 7 {
                case 0: try body(tag >> 3, .number(cursor.varint()))
                case 2: try body(tag >> 3, .bytes([UInt8](cursor.bytes())))
                default: try cursor.skip(tag)
                }
            }
        }
    }

    func withBytes<Failure: Error>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
        try span.bytes.withUnsafeBytes { (bytes) throws(Failure) in try body(bytes) }
    }
}

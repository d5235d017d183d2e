/// What kind of record is asked for, or stands in an answer (RFC 1035, section 3.2.2).
package struct RecordType: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let a = RecordType(rawValue: 1)
    package static let cname = RecordType(rawValue: 5)
    package static let soa = RecordType(rawValue: 6)
    package static let aaaa = RecordType(rawValue: 28)
    /// RFC 2782.
    package static let srv = RecordType(rawValue: 33)
    /// No record, but what each side can do (RFC 6891).
    package static let opt = RecordType(rawValue: 41)
}

/// What a server thought of a question (RFC 1035, section 4.1.1).
package struct ResponseCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let noError = ResponseCode(rawValue: 0)
    package static let formatError = ResponseCode(rawValue: 1)
    package static let noSuchName = ResponseCode(rawValue: 3)
    package static let notImplemented = ResponseCode(rawValue: 4)
    package static let refused = ResponseCode(rawValue: 5)
}

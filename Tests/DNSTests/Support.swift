@testable import DNS

/// An answer as a server writes it.
struct AnswerBytes {
    var bytes: [UInt8]

    init(_ id: UInt16, _ question: Question?, flags: UInt16 = 0x8180) {
        bytes = Self.number(id) + Self.number(flags) + [0, question == nil ? 0 : 1, 0, 0, 0, 0, 0, 0]
        if let question { bytes += question.name.wire + Self.number(question.type.rawValue) + [0, 1] }
    }

    /// In the answer, or, after the last answer, in the authority section.
    mutating func add(_ name: DomainName, _ type: RecordType, ttl: UInt32, _ data: [UInt8], isAuthority: Bool = false) {
        add(name.wire, type, ttl: ttl, data, isAuthority: isAuthority)
    }

    mutating func add(_ name: [UInt8], _ type: RecordType, ttl: UInt32, _ data: [UInt8], isAuthority: Bool = false) {
        bytes[isAuthority ? 9 : 7] += 1
        bytes += name + Self.number(type.rawValue) + [0, 1] + Self.number(UInt16(ttl >> 16)) + Self.number(UInt16(ttl & 0xffff))
        bytes += Self.number(UInt16(data.count)) + data
    }

    static func number(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xff)] }
}

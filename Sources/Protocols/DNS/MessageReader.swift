internal import Bytes
internal import Net

/// What is wrong with a message; the peer's fault.
package enum MessageMistake: Error, Equatable {
    /// It ends within something.
    case endsEarly
    /// Bytes stand behind its last record, or behind a record's data.
    case hasRest
    /// A label of an unused kind (RFC 6891, section 5).
    case unknownLabel
    /// A name of more than 255 bytes.
    case nameTooLong
    /// A compressed name that does not point backwards: it could go round in circles.
    case badPointer
    /// An address of the wrong length.
    case badAddress
    /// More than one question.
    case severalQuestions
}

/// Reads a message, strictly: everything in it must be as RFC 1035 says, whether it is of use or not.
///
/// Bounded by the message's own length: every record takes at least eleven bytes of it, and every jump in a compressed name
/// goes further back.
package struct MessageReader {
    private let bytes: [UInt8]
    private var position = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    package static func read(_ bytes: [UInt8]) throws(MessageMistake) -> Message {
        var reader = MessageReader(bytes)
        return try reader.message()
    }

    private mutating func message() throws(MessageMistake) -> Message {
        let id = try uint16()
        let flags = try uint16()
        let (questions, answers) = (try uint16(), try uint16())
        let (authorities, additional) = (try uint16(), try uint16())
        guard questions <= 1 else { throw .severalQuestions }
        var message = Message(
            id: id, isResponse: flags & 0x8000 != 0, isTruncated: flags & 0x0200 != 0,
            code: ResponseCode(rawValue: UInt8(truncatingIfNeeded: flags & 0xf)), question: nil, answers: [], authorities: [])
        if questions == 1 {
            let name = try name()
            let type = RecordType(rawValue: try uint16())
            // A question of another class is none of ours.
            message.question = try uint16() == 1 ? Question(name, type) : nil
        }
        // Servers cut where they please.
        guard !message.isTruncated else { return message }
        message.answers = try records(answers)
        message.authorities = try records(authorities)
        _ = try records(additional)
        guard position == bytes.count else { throw .hasRest }
        return message
    }

    private mutating func records(_ count: UInt16) throws(MessageMistake) -> [Record] {
        var records: [Record] = []
        for _ in 0..<count {
            if let record = try record() { records.append(record) }
        }
        return records
    }

    /// `nil` for a record of another class than IN, which the OPT record is too.
    private mutating func record() throws(MessageMistake) -> Record? {
        let name = try name()
        let type = RecordType(rawValue: try uint16())
        let isInternet = try uint16() == 1
        let ttl = try ttl()
        let length = Untrusted<Int>(try uint16())
        let end = try end(of: length, from: position)
        guard isInternet, type != .opt else {
            position = end
            return nil
        }
        let data = try data(type, length: length, end: end)
        guard position <= end else { throw .endsEarly }
        guard position == end else { throw .hasRest }
        return Record(name: name, ttlSeconds: ttl, data: data)
    }

    private mutating func data(_ type: RecordType, length: Untrusted<Int>, end: Int) throws(MessageMistake) -> Record.Data {
        switch type {
        case .a:
            guard length == Untrusted(4) else { throw .badAddress }
            return .address(.ipv4(try uint32(), port: 0))
        case .aaaa:
            guard length == Untrusted(16) else { throw .badAddress }
            return .address(.ipv6(try number(UInt128.self), port: 0, scope: 0))
        case .cname: return .alias(try name())
        case .srv:
            let (priority, weight, port) = (try uint16(), try uint16(), try uint16())
            return .service(ServiceTarget(try name(), port: port, priority: priority, weight: weight))
        case .soa:
            _ = try name()
            _ = try name()
            // Serial, refresh, retry and expiry are for other servers.
            for _ in 0..<4 { _ = try uint32() }
            return .authority(negativeTTLSeconds: try ttl())
        default:
            position = end
            return .other(type)
        }
    }

    // MARK: Parts

    private mutating func name() throws(MessageMistake) -> DomainName {
        var wire: [UInt8] = []
        var cursor = position
        /// Where a jump must go behind: jumps go back only, so there is an end to them.
        var pieceStart = position
        var afterName: Int?
        while true {
            let length = try load(UInt8.self, at: cursor)
            switch length >> 6 {
            case 0:
                let labelEnd = try end(of: Untrusted(length), from: cursor + 1)
                // No length is a letter.
                wire.append(contentsOf: bytes[cursor..<labelEnd].map(DomainName.lowercase))
                // The name's end takes a byte, too.
                guard wire.count < DomainName.wireBytesMax || (wire.count == DomainName.wireBytesMax && length == 0) else {
                    throw .nameTooLong
                }
                cursor = labelEnd
                if length == 0 {
                    position = afterName ?? cursor
                    return DomainName(wire: wire)
                }
            case 3:
                let pointer = Untrusted<Int>(try load(UInt16.self, at: cursor) & 0x3FFF)
                guard let target = pointer.exactly(in: 0 ... .max), target < pieceStart else { throw .badPointer }
                if afterName == nil { afterName = cursor + 2 }
                (cursor, pieceStart) = (target, target)
            default: throw .unknownLabel
            }
        }
    }

    /// One with its highest bit set counts as zero (RFC 2181, section 8).
    private mutating func ttl() throws(MessageMistake) -> UInt32 {
        Untrusted(try uint32()).exactly(in: 0...0x7FFF_FFFF) ?? 0
    }

    private mutating func uint16() throws(MessageMistake) -> UInt16 { try number(UInt16.self) }

    private mutating func uint32() throws(MessageMistake) -> UInt32 { try number(UInt32.self) }

    private mutating func number<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type
    ) throws(MessageMistake) -> Value {
        let value = try load(type, at: position)
        position = try end(of: Untrusted(MemoryLayout<Value>.size), from: position)
        return value
    }

    private func load<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, at start: Int
    ) throws(MessageMistake) -> Value {
        _ = try end(of: Untrusted(MemoryLayout<Value>.size), from: start)
        return Value(bigEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: type) })
    }

    /// Where so many bytes end that begin at `start`.
    private func end(of count: Untrusted<Int>, from start: Int) throws(MessageMistake) -> Int {
        guard let end = count.addingSaturating(start).exactly(in: 0...bytes.count) else { throw .endsEarly }
        return end
    }
}

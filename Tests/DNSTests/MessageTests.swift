import Net
import Random
import Testing

@testable import DNS

@Suite("DNS messages")
struct MessageTests {
    private let name = DomainName("orders.test")!
    private func question(_ type: RecordType = .a) -> Question { Question(name, type) }

    @Test("a question is written as RFC 1035 has it, and read back")
    func query() throws {
        let bytes = MessageWriter.query(question(), id: 0x1234, isExtended: false)
        #expect(
            bytes == [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 6] + Array("orders".utf8) + [4] + Array("test".utf8) + [
                0, 0, 1, 0, 1,
            ])
        let extended = MessageWriter.query(question(), id: 1, isExtended: true)
        #expect(extended[11] == 1 && extended.suffix(11) == [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0])
        let message = try MessageReader.read(extended)
        #expect(message.question == question() && !message.isResponse)
    }

    @Test("names are compared without case, and are as long as they may be")
    func names() {
        #expect(DomainName("Orders.TEST.") == name && name.description == "orders.test")
        #expect(DomainName(String(repeating: "a", count: 63)) != nil && DomainName(String(repeating: "a", count: 64)) == nil)
        // 255 bytes with the length of each label and the root: 253 as text.
        let long = Array(repeating: String(repeating: "a", count: 61), count: 4).joined(separator: ".")
        #expect(DomainName(long + ".aaaaa") != nil && DomainName(long + ".aaaaaa") == nil)
        for wrong in ["", "a..b", ".a", ".."] { #expect(DomainName(wrong) == nil) }
        #expect(DomainName(".") == .root && DomainName.root.description == ".")
        #expect(DomainName(wire: [3, 0x2e, 0x07, 0x61, 0]).description == "\\.\\007a")
        #expect(name.appending(DomainName("x")!) == DomainName("orders.test.x") && DomainName(long)!.appending(name) == nil)
    }

    @Test("compressed names are read, and addresses of both families, services and aliases")
    func records() throws {
        var answer = AnswerBytes(1, question())
        // 12 is where the question's name begins, 19 where its last label does.
        answer.add([0xc0, 12], .cname, ttl: 50, [1, 0x62, 0xc0, 19])
        answer.add([1, 0x42, 0xc0, 19], .a, ttl: 40, [10, 0, 0, 1])
        answer.add([1, 0x62, 0xc0, 19], .aaaa, ttl: 0x8000_0000, [0x20, 1, 0xd, 0xb8] + Array(repeating: 0, count: 11) + [7])
        answer.add([0xc0, 12], .srv, ttl: 30, [0, 1, 0, 2, 0, 80, 0xc0, 12])
        answer.add([0xc0, 12], RecordType(rawValue: 16), ttl: 30, [1, 2])
        let message = try MessageReader.read(answer.bytes)
        let alias = DomainName("b.test")!
        #expect(
            message.answers == [
                Record(name: name, ttlSeconds: 50, data: .alias(alias)),
                Record(name: alias, ttlSeconds: 40, data: .address(SocketAddress("10.0.0.1:0")!)),
                Record(name: alias, ttlSeconds: 0, data: .address(SocketAddress("[2001:db8::7]:0")!)),
                Record(name: name, ttlSeconds: 30, data: .service(ServiceTarget(name, port: 80, priority: 1, weight: 2))),
                Record(name: name, ttlSeconds: 30, data: .other(RecordType(rawValue: 16))),
            ])
        #expect(Finding(message, to: question()) == .records([.address(SocketAddress("10.0.0.1:0")!)], ttlSeconds: 40))
    }

    @Test("names that point to themselves, forwards or in circles are refused, and those that grow too long")
    func pointers() {
        for pointer in [29, 30, 200] as [UInt8] {
            var answer = AnswerBytes(1, question())
            answer.add([0xc0, pointer], .a, ttl: 1, [1, 2, 3, 4])
            #expect(throws: MessageMistake.badPointer) { try MessageReader.read(answer.bytes) }
        }
        var circle = AnswerBytes(1, question())
        circle.add([1, 0x61, 0xc0, 29], .a, ttl: 1, [1, 2, 3, 4])
        #expect(throws: MessageMistake.badPointer) { try MessageReader.read(circle.bytes) }
        var unknown = AnswerBytes(1, question())
        unknown.add([0x40, 0], .a, ttl: 1, [1, 2, 3, 4])
        #expect(throws: MessageMistake.unknownLabel) { try MessageReader.read(unknown.bytes) }
        let long = DomainName(Array(repeating: String(repeating: "a", count: 61), count: 4).joined(separator: "."))!
        for (label, isTooLong) in [(5, false), (6, true)] {
            var answer = AnswerBytes(1, Question(long, .a))
            answer.add([UInt8(label)] + Array(repeating: 0x61, count: label) + [0xc0, 12], .a, ttl: 1, [1, 2, 3, 4])
            if isTooLong {
                #expect(throws: MessageMistake.nameTooLong) { try MessageReader.read(answer.bytes) }
            } else {
                #expect(throws: Never.self) { try MessageReader.read(answer.bytes) }
            }
        }
    }

    @Test("an address of another length, data behind its name, and bytes behind the end are refused")
    func lengths() {
        for (type, data, mistake) in [
            (RecordType.a, [1, 2, 3], MessageMistake.badAddress), (.aaaa, [1, 2, 3, 4], .badAddress),
            (.cname, [0, 0], .hasRest), (.srv, [0, 0, 0, 0, 0, 0], .endsEarly), (.soa, [0, 0, 1], .endsEarly),
        ] as [(RecordType, [UInt8], MessageMistake)] {
            var answer = AnswerBytes(1, question())
            answer.add([0xc0, 12], type, ttl: 1, data)
            #expect(throws: mistake) { try MessageReader.read(answer.bytes) }
        }
        #expect(throws: MessageMistake.hasRest) { try MessageReader.read(AnswerBytes(1, question()).bytes + [0]) }
    }

    @Test("a name without records is not there for as long as its zone says")
    func negative() throws {
        for code in [0, 3] as [UInt16] {
            var answer = AnswerBytes(1, question(), flags: 0x8180 | code)
            let numbers = Array(repeating: UInt8(0), count: 16) + [0, 0, 0, 9]
            answer.add(DomainName("test")!, .soa, ttl: 30, [0, 0] + numbers, isAuthority: true)
            #expect(try Finding(MessageReader.read(answer.bytes), to: question()) == .nothing(ttlSeconds: 9))
        }
        #expect(try Finding(MessageReader.read(AnswerBytes(1, question()).bytes), to: question()) == .nothing(ttlSeconds: 0))
        #expect(try Finding(MessageReader.read(AnswerBytes(1, question(), flags: 0x8182).bytes), to: question()) == nil)
    }

    @Test("aliases in a circle come to nothing")
    func circle() throws {
        var answer = AnswerBytes(1, question())
        answer.add(name, .cname, ttl: 1, DomainName("b.test")!.wire)
        answer.add(DomainName("b.test")!, .cname, ttl: 1, name.wire)
        #expect(try Finding(MessageReader.read(answer.bytes), to: question()) == nil)
    }

    @Test("whatever bytes come, reading them ends, and what is read is well formed", arguments: 1...20)
    func mutations(seed: UInt64) {
        var random = RandomGenerator(seed: seed)
        var whole = AnswerBytes(1, question())
        whole.add([0xc0, 12], .cname, ttl: 50, [1, 0x62, 0xc0, 19])
        whole.add([1, 0x62, 0xc0, 19], .a, ttl: 40, [10, 0, 0, 1])
        whole.add([1, 0x62, 0xc0, 19], .aaaa, ttl: 40, Array(repeating: 1, count: 16))
        whole.add([0xc0, 12], .srv, ttl: 30, [0, 1, 0, 2, 0, 80, 0xc0, 12])
        whole.add([0xc0, 12], .soa, ttl: 30, [0xc0, 12, 0xc0, 12] + Array(repeating: 0, count: 20), isAuthority: true)
        for _ in 0..<500 {
            var bytes = whole.bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                guard !bytes.isEmpty else { break }
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[index] = .random(in: 0 ... .max, using: &random)
                case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: bytes.removeSubrange(index...)
                case 3: bytes.insert(0xc0, at: index)
                default: bytes.remove(at: index)
                }
            }
            guard let message = try? MessageReader.read(bytes) else { continue }
            for record in message.answers + message.authorities {
                #expect(record.name.wire.count <= DomainName.wireBytesMax && record.name.wire.last == 0)
                #expect(record.ttlSeconds <= UInt32(Int32.max))
            }
            if let asked = message.question { _ = Finding(message, to: asked) }
        }
    }
}

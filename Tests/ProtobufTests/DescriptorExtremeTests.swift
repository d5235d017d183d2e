import Testing

@testable import Protobuf

@Suite("Descriptors with numbers of any size")
struct DescriptorExtremeTests {
    private func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(content.count)] + content }

    /// `a.proto` with a message M, one oneof, and a field whose `oneof_index` is these bytes of a varint.
    private func file(oneofIndex: [UInt8]) -> [UInt8] {
        let member = field(1, Array("f".utf8)) + [0x18, 1, 0x20, 1, 0x28, 5, 0x48] + oneofIndex
        let message = field(1, Array("M".utf8)) + field(2, member) + field(8, field(1, Array("o".utf8)))
        return field(1, Array("a.proto".utf8)) + field(4, message) + field(12, Array("proto3".utf8))
    }

    @Test(
        "a oneof that a message does not have is a problem that is named, not an index",
        arguments: [
            [0x01], [0x40], [0xFF, 0xFF, 0xFF, 0xFF, 0x07], [0x80, 0x80, 0x80, 0x80, 0x08], [0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
        ] as [[UInt8]])
    func oneofs(index: [UInt8]) throws {
        #expect(throws: SchemaFailure(problems: ["M.f is of a oneof that does not exist"])) {
            _ = try Schema(files: [file(oneofIndex: index)])
        }
        let schema = try Schema(files: [file(oneofIndex: [0])])
        // Its tables live as long as it does.
        withExtendedLifetime(schema) { #expect(schema.message(fullName: "M")?.pointee.oneofCount == 1) }
    }

    @Test("messages within messages are read as deep as protobuf allows, and no deeper")
    func depth() throws {
        func nested(_ depth: Int) -> [UInt8] {
            var bytes: [UInt8] = field(1, Array("M".utf8))
            for _ in 1..<depth {
                var outer: [UInt8] = field(1, Array("M".utf8)) + [0x1A]
                var rest = bytes.count
                while rest > 127 {
                    outer.append(UInt8(rest & 0x7F) | 0x80)
                    rest >>= 7
                }
                bytes = outer + [UInt8(rest)] + bytes
            }
            return bytes
        }
        #expect(throws: Never.self) { try MessageDescription(nested(100)) }
        #expect(throws: WireFailure.nestedTooDeep) { try MessageDescription(nested(101)) }
    }
}

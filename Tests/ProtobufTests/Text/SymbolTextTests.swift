import Testing

@testable import Protobuf

@Suite struct SymbolTextTests {
    /// Descriptors by hand: fields of a number, a text or a message.
    private enum Value {
        case number(UInt8)
        case text(String)
        case message([(UInt8, Value)])
    }

    private static func bytes(_ fields: [(UInt8, Value)]) -> [UInt8] {
        fields.flatMap { (number, value) -> [UInt8] in
            func tag(_ type: UInt8) -> [UInt8] {
                number < 16 ? [number << 3 | type] : [number << 3 & 0x7F | type | 0x80, number >> 4]
            }
            switch value {
            case .number(let value): return tag(0) + [value]
            case .text(let text): return tag(2) + [UInt8(text.utf8.count)] + Array(text.utf8)
            case .message(let fields):
                let inner = bytes(fields)
                return tag(2)
                    + (inner.count < 128 ? [UInt8(inner.count)] : [UInt8(inner.count & 127) | 128, UInt8(inner.count >> 7)]) + inner
            }
        }
    }

    private static func field(_ name: String, _ number: UInt8, _ type: UInt8, _ more: [(UInt8, Value)] = []) -> (UInt8, Value) {
        (2, .message([(1, .text(name)), (3, .number(number)), (5, .number(type))] + more))
    }

    private static let file = bytes([
        (1, .text("acme/a.proto")), (2, .text("acme")), (12, .text("proto3")),
        (
            4,
            .message([
                (1, .text("Order")), field("id", 1, 9), field("sizes", 2, 13, [(4, .number(3))]),
                field("note", 3, 9, [(9, .number(1)), (17, .number(1))]),
                field("labels", 4, 11, [(4, .number(3)), (6, .text(".acme.Order.LabelsEntry"))]),
                field("mail", 5, 9, [(9, .number(0))]), field("kind", 6, 14, [(6, .text(".acme.Kind")), (9, .number(0))]),
                (
                    3,
                    .message([
                        (1, .text("LabelsEntry")), field("key", 1, 9), field("value", 2, 5), (7, .message([(7, .number(1))])),
                    ])
                ),
                (3, .message([(1, .text("Line"))])),
                (8, .message([(1, .text("way"))])), (8, .message([(1, .text("_note"))])),
            ])
        ),
        (
            5,
            .message([
                (1, .text("Kind")), (2, .message([(1, .text("NONE")), (2, .number(0))])),
                (2, .message([(1, .text("BOOK")), (2, .number(1))])),
            ])
        ),
        (
            6,
            .message([
                (1, .text("Orders")),
                (
                    2,
                    .message([
                        (1, .text("Get")), (2, .text(".acme.Order")), (3, .text(".acme.Order")), (5, .number(1)), (6, .number(1)),
                    ])
                ),
            ])
        ),
    ])

    @Test("a message is described as a proto file has it")
    func message() throws {
        let text = try SymbolText(files: [Self.file])
        #expect(
            text.describe("acme.Order") == """
                // acme/a.proto
                // in acme
                message Order {
                  string id = 1;
                  repeated uint32 sizes = 2;
                  optional string note = 3;
                  map<string, int32> labels = 4;
                  oneof way {
                    string mail = 5;
                    acme.Kind kind = 6;
                  }
                  message Line {
                  }
                }
                """)
    }

    @Test("services, methods and enums too, however their names are written")
    func others() throws {
        let text = try SymbolText(files: [Self.file])
        #expect(text.services == ["acme.Orders"])
        #expect(text.methods(of: "acme.Orders") == ["Get"])
        #expect(text.methods(of: "acme.Order") == nil)
        let rpc = "rpc Get(stream acme.Order) returns (stream acme.Order);"
        #expect(text.describe("acme.Orders") == "// acme/a.proto\n// in acme\nservice Orders {\n  \(rpc)\n}")
        for name in ["acme.Orders.Get", "acme.Orders/Get", "/acme.Orders/Get"] {
            let told = try #require(text.describe(name))
            #expect(told.contains(rpc) && told.contains("message Order {"))
        }
        #expect(text.describe(".acme.Kind") == "// acme/a.proto\n// in acme\nenum Kind {\n  NONE = 0;\n  BOOK = 1;\n}")
        #expect(text.describe("acme.Nothing") == nil && text.describe("") == nil)
    }
}

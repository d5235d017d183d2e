import Testing

@testable import Protobuf

@Suite("Schemas of what can be linked")
struct ServiceableTests {
    /// `p.Ask` and `p.Answer`, the first with a field of that type, and a service with a method of both.
    private func file(
        _ name: String, type: String, imports: [String], service: String = "S", message: String = "Ask"
    ) -> [UInt8] {
        DescriptorWriter.file(name, imports: imports) { file in
            file.message(4) { ask in
                ask.text(1, message)
                ask.field("value", 1, type: 11, typeName: type)
            }
            file.message(6) { served in
                served.text(1, service)
                served.message(2) { method in
                    method.text(1, "Get")
                    method.text(2, ".p.\(message)")
                    method.text(3, ".p.\(message)")
                }
            }
        }
    }

    @Test(
        "files that come with Protocol Buffers need not be given",
        arguments: [
            (".google.protobuf.Timestamp", "timestamp"), (".google.protobuf.Struct", "struct"), (".google.protobuf.Api", "api"),
            (".google.protobuf.FieldDescriptorProto", "descriptor"), (".google.protobuf.Int64Value", "wrappers"),
        ])
    func builtIn(type: String, name: String) throws {
        let schema = try Schema(files: [file("a.proto", type: type, imports: ["google/protobuf/\(name).proto"])])
        #expect(schema.message(fullName: String(type.dropFirst())) != nil)
        #expect(schema.method(path: "/p.S/Get") != nil)
    }

    @Test("one that is given under another name stands")
    func ownName() throws {
        let own = DescriptorWriter.file("vendored/timestamp.proto", package: "google.protobuf") { file in
            file.message(4) { $0.text(1, "Timestamp") }
        }
        let schema = try Schema(
            files: [own, file("a.proto", type: ".google.protobuf.Timestamp", imports: ["google/protobuf/timestamp.proto"])])
        #expect(schema.message(fullName: "google.protobuf.Timestamp")?.pointee.fieldCount == 0)
    }

    @Test("a service that needs what is not there is left out and told, directly or through others")
    func leftOut() throws {
        let outer = DescriptorWriter.file("b.proto", imports: ["a.proto"]) { file in
            file.message(4) { message in
                message.text(1, "Outer")
                message.field("ask", 1, type: 11, label: 3, typeName: ".p.Ask")
                message.message(3) { $0.text(1, "Inner") }
            }
            for (service, type) in [("Through", ".p.Outer"), ("Inside", ".p.Outer.Inner")] {
                file.message(6) { served in
                    served.text(1, service)
                    served.message(2) { method in
                        method.text(1, "Get")
                        method.text(2, type)
                        method.text(3, type)
                    }
                }
            }
        }
        let files = [
            file("a.proto", type: ".gone.Type", imports: ["gone.proto"]), outer,
            file("c.proto", type: ".p.Fine", imports: [], service: "Good", message: "Fine"),
        ]
        #expect(throws: SchemaFailure.self) { try Schema(files: files) }
        let (schema, leftOut) = try Schema.serviceable(files: files)
        #expect(schema.services.map(\.fullName).sorted() == ["p.Good", "p.Inside"])
        #expect(leftOut.map(\.service) == ["p.S", "p.Through"])
        #expect(leftOut.allSatisfy { $0.reason.contains("gone.Type") && $0.reason.contains("gone.proto, not given") })
    }

    @Test("an extension of what is not there is passed over")
    func extensions() throws {
        let options = DescriptorWriter.file("o.proto") { file in
            file.message(7) { field in
                field.text(1, "x")
                field.text(2, ".gone.Options")
                field.number(3, 1000)
                field.number(4, 1)
                field.number(5, 9)
            }
        }
        let (schema, leftOut) = try Schema.serviceable(files: [options, file("a.proto", type: ".p.Ask", imports: ["o.proto"])])
        #expect(schema.services.count == 1 && leftOut.isEmpty)
    }

    @Test("of files that contradict each other, what comes first stands")
    func contradiction() throws {
        let files = [
            file("a.proto", type: ".p.Ask", imports: []), file("b.proto", type: ".p.Ask", imports: [], service: "Other"),
            file("c.proto", type: ".p.C", imports: [], service: "Third", message: "C"),
        ]
        let (schema, leftOut) = try Schema.serviceable(files: files)
        #expect(schema.services.map(\.fullName).sorted() == ["p.S", "p.Third"])
        #expect(leftOut.map(\.service) == ["p.Other"])
    }

    @Test("where nothing can be linked, every reason is told")
    func nothing() {
        let twice = [file("a.proto", type: ".p.Ask", imports: []), file("a.proto", type: ".p.Ask", imports: ["x"])]
        #expect(throws: SchemaFailure.self) { try Schema(files: twice) }
        #expect(throws: SchemaFailure.self) { try Schema.serviceable(files: [[0xff]]) }
    }
}

import Bytes
import SwiftProtobuf
import Testing

@testable import GRPC

@Suite struct ReflectionMessagesTests {
    @Test(
        "a question reads back as what it was",
        arguments: [
            ReflectionQuestion.services, .file("a/b.proto"), .fileOfSymbol("acme.Orders"),
            .fileOfExtension(type: "acme.Order", number: 1000), .extensionNumbers(type: "acme.Order"),
        ])
    func questions(question: ReflectionQuestion) throws {
        var buffer = ByteBuffer()
        question.append(to: &buffer)
        #expect(try ReflectionQuestion.read(buffer.readable) == question)
    }

    @Test(
        "an answer reads back as what it was",
        arguments: [
            ReflectionAnswer.services(["acme.Orders", "acme.Other"]), .services([]), .files([[1, 2, 3], [4]]),
            .extensionNumbers(type: "acme.Order", [7, 1000]), .error(code: 5, message: "no symbol x"),
        ])
    func answers(answer: ReflectionAnswer) throws {
        var request = ByteBuffer(), buffer = ByteBuffer()
        ReflectionQuestion.services.append(to: &request)
        answer.append(to: request.readable, into: &buffer)
        #expect(try ReflectionAnswer.read(buffer.readable).answer == answer)
    }

    @Test("packed extension numbers are read, and what is no answer is none")
    func odd() throws {
        let packed: [UInt8] = [0x2a, 5, 0x12, 3, 7, 0xe8, 0x07]
        #expect(try packed.withUnsafeBytes { try ReflectionAnswer.read($0).answer } == .extensionNumbers(type: "", [7, 1000]))
        #expect(try [UInt8]().withUnsafeBytes { try ReflectionAnswer.read($0).answer } == nil)
        #expect(try [UInt8]().withUnsafeBytes { try ReflectionQuestion.read($0) } == nil)
        #expect(throws: WireReader.Failure.self) { try [UInt8(0x22), 9].withUnsafeBytes { try ReflectionAnswer.read($0) } }
    }

    @Test("a file's outline has everything that has a name")
    func outline() throws {
        var file = Google_Protobuf_FileDescriptorProto()
        file.name = "a.proto"
        file.package = "acme"
        file.dependency = ["b.proto"]
        file.messageType = [
            .with {
                $0.name = "Order"
                $0.field = [.with { $0.name = "id" }]
                $0.oneofDecl = [.with { $0.name = "way" }]
                $0.nestedType = [.with { $0.name = "Line" }]
                $0.enumType = [
                    .with {
                        $0.name = "Kind"; $0.value = [.with { $0.name = "BOOK" }]
                    }
                ]
                $0.extension = [
                    .with {
                        $0.name = "more"; $0.extendee = ".acme.Base"; $0.number = 1000
                    }
                ]
            }
        ]
        file.service = [
            .with {
                $0.name = "Orders"; $0.method = [.with { $0.name = "Get" }]
            }
        ]
        let bytes: [UInt8] = try file.serializedBytes()
        let outline = try bytes.withUnsafeBytes { try FileOutline($0) }
        #expect(outline.name == "a.proto")
        #expect(outline.imports == ["b.proto"])
        #expect(outline.services == ["acme.Orders"])
        #expect(
            Set(outline.symbols) == [
                "acme.Order", "acme.Order.id", "acme.Order.way", "acme.Order.Line", "acme.Order.Kind", "acme.Order.BOOK",
                "acme.Order.more", "acme.Orders", "acme.Orders.Get",
            ])
        #expect(outline.extensions.map(\.type) == ["acme.Base"] && outline.extensions.map(\.number) == [1000])
    }
}

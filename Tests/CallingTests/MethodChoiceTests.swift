import Protobuf
import SwiftProtobuf
import Testing

@testable import Calling

@Suite struct MethodChoiceTests {
    private static func schema() throws -> Schema {
        let file = Google_Protobuf_FileDescriptorProto.with {
            $0.name = "a.proto"
            $0.package = "acme.orders.v1"
            $0.syntax = "proto3"
            $0.messageType = [.with { $0.name = "Order" }]
            $0.service = ["Orders", "Returns"].map { name in
                .with {
                    $0.name = name
                    $0.method = ["Get", "List"].map { method in
                        .with {
                            $0.name = method; $0.inputType = ".acme.orders.v1.Order"; $0.outputType = ".acme.orders.v1.Order"
                        }
                    }
                }
            }
        }
        return try Schema(files: [file.serializedBytes()])
    }

    @Test(
        "a method is found however its name is written",
        arguments: [
            "acme.orders.v1.Returns/Get", "/acme.orders.v1.Returns/Get", "acme.orders.v1.Returns.Get",
        ])
    func found(text: String) throws {
        let schema = try Self.schema()
        #expect(try schema.methods[MethodChoice.find(text, in: schema).get()].path == "/acme.orders.v1.Returns/Get")
    }

    @Test(
        "of one that is not there the likely ones are named",
        arguments: [
            ("acme.orders.v1.Orders/Gett", #"; did you mean "acme.orders.v1.Orders/Get"?"#),
            ("acme.order.v1.Returns/Lsit", #"; did you mean "acme.orders.v1.Returns/List"?"#),
            ("ACME.orders.v1.Orders/get", #"; did you mean "acme.orders.v1.Orders/Get"?"#),
            ("Get", #"; did you mean "acme.orders.v1.Orders/Get" or "acme.orders.v1.Returns/Get"?"#),
            ("nothing.Like/This", ""), ("", ""),
        ])
    func hints(text: String, hint: String) throws {
        guard case .failure(let mistake) = MethodChoice.find(text, in: try Self.schema()) else {
            Issue.record("found")
            return
        }
        #expect("\(mistake)" == "there is no method \"\(text)\"\(hint)")
    }

    @Test("of a service its methods are named")
    func service() throws {
        guard case .failure(let mistake) = MethodChoice.find("acme.orders.v1.Orders", in: try Self.schema()) else {
            Issue.record("found")
            return
        }
        #expect("\(mistake)" == #""acme.orders.v1.Orders" is a service; its methods are Get, List"#)
    }
}

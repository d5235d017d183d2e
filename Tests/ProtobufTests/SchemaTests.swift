import Testing

@testable import Protobuf

@Suite("Descriptors as tables")
struct SchemaTests {
    static let orders = DescriptorWriter.file("orders.proto") { file in
        file.message(4) { message in
            message.text(1, "Order")
            message.field("order_id", 1, type: 3)
            message.field("far_one", 20_000, type: 9)
            message.field("state", 3, type: 14, typeName: ".p.State")
            message.field("parent", 4, type: 11, typeName: "Order")
        }
        file.message(5) { enumeration in
            enumeration.text(1, "State")
            for (name, number) in [("NEW", 0), ("PAID", 1), ("DONE", 5)] {
                enumeration.message(2) { value in
                    value.text(1, name)
                    value.number(2, number)
                }
            }
        }
        file.message(6) { service in
            service.text(1, "Orders")
            service.message(2) { method in
                method.text(1, "Get")
                method.text(2, ".p.Order")
                method.text(3, ".p.Order")
                method.message(4) { options in
                    options.number(34, 1)
                    options.message(72_295_728) { rule in
                        rule.text(2, "/v1/{order_id}")
                        rule.message(11) { $0.text(4, "/v1/orders") }
                    }
                }
                method.number(6, 1)
            }
        }
    }

    static func problems(_ files: [[UInt8]]) -> [String] {
        do throws(SchemaFailure) {
            _ = try Schema(files: files)
            return []
        } catch { return error.problems }
    }

    @Test("fields are found by number, by JSON name and by their own name")
    func fields() throws {
        let schema = try Schema(files: [Self.orders])
        let order = try #require(schema.message(fullName: "p.Order"))
        #expect(schema.message(fullName: "p.Orde") == nil)
        for (number, name, jsonName) in [(1, "order_id", "orderId"), (20_000, "far_one", "farOne"), (3, "state", "state")] {
            let field = try #require(order.pointee.field(number: UInt32(number)))
            #expect(field.pointee.name == name && field.pointee.jsonName == jsonName)
            #expect(order.pointee.field(name: name) == field && order.pointee.field(name: jsonName) == field)
        }
        #expect(order.pointee.field(number: 2) == nil && order.pointee.field(number: 20_001) == nil)
        #expect(order.pointee.field(name: "nope") == nil && order.pointee.field(name: "") == nil)
        #expect(order.pointee.field(number: 4)?.pointee.message == order)
    }

    @Test("enums are found by name and number")
    func enums() throws {
        let schema = try Schema(files: [Self.orders])
        let state = try #require(schema.message(fullName: "p.Order")?.pointee.field(number: 3)?.pointee.enumeration)
        #expect(state.pointee.value(number: 1)?.pointee.name == "PAID" && state.pointee.value(number: 5)?.pointee.name == "DONE")
        #expect(state.pointee.value(number: 2) == nil && state.pointee.value(number: -1) == nil && state.pointee.isOpen)
    }

    @Test("methods are found by their path, with their rule")
    func methods() throws {
        let schema = try Schema(files: [Self.orders])
        let method = schema.methods[try #require(schema.method(path: "/p.Orders/Get"))]
        #expect(method.fullName == "p.Orders.Get" && method.serverStreams && !method.clientStreams && method.isSideEffectFree)
        #expect(
            method.rule
                == HTTPRule(verb: "GET", path: "/v1/{order_id}", additional: [HTTPRule(verb: "POST", path: "/v1/orders")]))
        #expect(schema.method(path: "/p.Orders/Got") == nil && schema.method(path: "") == nil)
        #expect(schema.services.map(\.fullName) == ["p.Orders"] && schema.services[0].methods == 0..<1)
    }

    @Test("the same file twice is no mistake, also with source positions; another of its name is one")
    func duplicateFiles() {
        let positions = DescriptorWriter { $0.message(9, [10, 0]) }.bytes
        #expect(Self.problems([Self.orders, Self.orders, Self.orders + positions]) == [])
        let other = DescriptorWriter.file("orders.proto") { _ in }
        #expect(Self.problems([Self.orders, other]) == ["orders.proto is given twice and differs"])
    }

    @Test("what is missing or doubled is reported by name")
    func linkErrors() {
        let user = DescriptorWriter.file("user.proto", package: "q", imports: ["dates.proto"]) { file in
            file.message(4) { message in
                message.text(1, "User")
                message.field("born", 1, type: 11, typeName: ".dates.Date")
                message.field("also", 1, type: 9)
                message.field("more", 1, type: 9)
            }
        }
        #expect(
            Self.problems([user]) == [
                "q.User.born has the type dates.Date, which is not there; user.proto imports dates.proto, not given",
                "q.User: also and more have the number 1",
            ])
        let again = DescriptorWriter.file("again.proto") { $0.message(4) { $0.text(1, "Order") } }
        #expect(Self.problems([Self.orders, again]) == ["p.Order is defined in orders.proto and again in again.proto"])
        #expect(Self.problems([[0xFF]]) == ["a file descriptor is no protobuf (truncated)"])
    }

    @Test("a file that imports what nothing needs is linked without it")
    func unusedImport() {
        let file = DescriptorWriter.file("a.proto", imports: ["google/api/annotations.proto"]) { $0.message(4) { $0.text(1, "A") } }
        #expect(Self.problems([file]) == [])
    }
}

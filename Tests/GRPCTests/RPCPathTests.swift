import Testing

@testable import GRPC

@Suite struct RPCPathTests {
    @Test(
        "service and method are the two parts of the path",
        arguments: [
            ("/acme.orders.v1.Orders/Create", "acme.orders.v1.Orders", "Create"), ("/A/b", "A", "b"),
            ("/v1/orders", "v1", "orders"), ("/a-b.c_d/E-1", "a-b.c_d", "E-1"),
            ("/grpc.health.v1.Health/Check", "grpc.health.v1.Health", "Check"),
        ])
    func shape(path: String, service: String, method: String) {
        withBytes(path) { bytes in
            let rpc = RPCPath(bytes)
            #expect(rpc.map { String(decoding: $0.service, as: UTF8.self) } == service)
            #expect(rpc.map { String(decoding: $0.method, as: UTF8.self) } == method)
        }
    }

    @Test(
        "other shapes are no call",
        arguments: [
            "", "/", "//", "/a", "/a/", "//b", "/a/b/", "/a/b/c", "a/b", "a.B/c/d", "/a/b?c=d", "/a/b#c", "/a/b%20", "/a b/c", "*",
            "/.a/b", "/a./b", "/a..b/c", "/../a", "/a/..", "/a/b.c", "/a\\b/c", "/a\0b/c", "/ä.B/c", "/a/b ",
        ])
    func otherShapes(path: String) {
        #expect(withBytes(path) { RPCPath($0) == nil })
    }
}

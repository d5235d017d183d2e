import Testing

@testable import GRPC

@Suite struct ClientProtocolTests {
    private func detect(_ contentType: String?, method: String = "POST", saysConnect: Bool = false) -> ClientProtocol {
        withBytes(method) { method in
            guard let contentType else { return ClientProtocol(method: method, contentType: nil, saysConnect: saysConnect) }
            return withBytes(contentType) { ClientProtocol(method: method, contentType: $0, saysConnect: saysConnect) }
        }
    }

    @Test(
        "native gRPC is application/grpc with any codec and parameters",
        arguments: [
            "application/grpc", "application/grpc+proto", "application/grpc+json", "application/grpc+anything",
            "application/grpc;charset=utf-8", "application/grpc ; a=b", "application/grpc+proto;a=b", "Application/GRPC",
        ])
    func native(contentType: String) {
        #expect(detect(contentType) == .grpc)
    }

    @Test(
        "gRPC-Web is never taken for native gRPC",
        arguments: [
            "application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json", "application/grpc-web;a=b",
            "APPLICATION/gRPC-Web",
        ])
    func web(contentType: String) {
        #expect(detect(contentType) == .grpcWeb)
    }

    @Test(
        "gRPC-Web's text form is a protocol of its own",
        arguments: [
            "application/grpc-web-text", "application/grpc-web-text+proto", "Application/grpc-web-TEXT;a=b",
        ])
    func webText(contentType: String) {
        #expect(detect(contentType) == .grpcWebText)
    }

    @Test("Connect is recognised by its types, and its JSON by its version's field")
    func connect() {
        #expect(detect("application/connect+json") == .connectJSONStream)
        #expect(detect("application/connect+proto") == .connectStream)
        #expect(detect("application/proto") == .connectUnary)
        #expect(detect("application/json") == .http)
        #expect(detect("application/json; charset=utf-8", saysConnect: true) == .connectUnary)
        #expect(detect("application/json-seq", saysConnect: true) == .http)
        #expect(detect("application/proto", method: "GET") == .http)
    }

    @Test(
        "everything else is HTTP",
        arguments: [
            nil, "", "application/json", "application/protox", "application/grpcx", "application/grp", "application/grpc/x",
            "application/grpc-webx", "application/grpc-", "text/grpc", "application/connect", "xapplication/grpc",
            "application/json; a=application/grpc",
        ] as [String?])
    func other(contentType: String?) {
        #expect(detect(contentType) == .http)
    }

    @Test("only POST is a gRPC call", arguments: ["GET", "HEAD", "PUT", "OPTIONS", "post", "", "POSTS"])
    func methods(method: String) {
        #expect(detect("application/grpc", method: method) == .http)
    }
}

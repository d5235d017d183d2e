import Testing

@testable import GRPC

@Suite struct CallerProtocolTests {
    private func detect(_ contentType: String?, method: String = "POST") -> CallerProtocol {
        withBytes(method) { method in
            guard let contentType else { return CallerProtocol(method: method, contentType: nil) }
            return withBytes(contentType) { CallerProtocol(method: method, contentType: $0) }
        }
    }

    @Test("native gRPC is application/grpc with any codec and parameters", arguments: [
        "application/grpc", "application/grpc+proto", "application/grpc+json", "application/grpc+anything",
        "application/grpc;charset=utf-8", "application/grpc ; a=b", "application/grpc+proto;a=b", "Application/GRPC",
    ])
    func native(contentType: String) {
        #expect(detect(contentType) == .grpc)
    }

    @Test("gRPC-Web is never taken for native gRPC", arguments: [
        "application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json", "application/grpc-web-text",
        "application/grpc-web-text+proto", "application/grpc-web;a=b", "APPLICATION/gRPC-Web",
    ])
    func web(contentType: String) {
        #expect(detect(contentType) == .grpcWeb)
    }

    @Test("Connect's streams are recognised", arguments: ["application/connect+json", "application/connect+proto"])
    func connect(contentType: String) {
        #expect(detect(contentType) == .connect)
    }

    @Test("everything else is HTTP", arguments: [
        nil, "", "application/json", "application/proto", "application/grpcx", "application/grp", "application/grpc/x",
        "application/grpc-webx", "application/grpc-", "text/grpc", "application/connect", "xapplication/grpc", "application/json; a=application/grpc",
    ] as [String?])
    func other(contentType: String?) {
        #expect(detect(contentType) == .http)
    }

    @Test("only POST is a gRPC call", arguments: ["GET", "HEAD", "PUT", "OPTIONS", "post", "", "POSTS"])
    func methods(method: String) {
        #expect(detect("application/grpc", method: method) == .http)
    }
}

import GRPCTesting
import HTTPModel
import Testing
import Transport

struct RefusedCallTests {
    @Test(
        "a path that is not registered exactly is UNIMPLEMENTED", arguments: ["/test.Test/Nothing", "/test.Test/double", "/", "*"])
    func unknownPath(path: String) throws {
        let served = try Served()
        let call = served.caller.begin(path == "*" ? "/test.Test/Double/" : path)
        #expect(served.worker.run { call.isOver })
        #expect(call.status == "12")
        // The caller had not ended its side: it is told that nobody listens.
        #expect(served.worker.run { call.isGone })
        #expect(call.close == .complete)
    }

    @Test(
        "what is not gRPC gets HTTP's answer",
        arguments: [
            ("POST", "application/json", "415"), ("POST", "application/grpc-web", "415"),
            ("POST", "application/grpcx", "415"), ("GET", "application/grpc", "405"),
        ])
    func notGRPC(verb: String, type: String, status: String) throws {
        let served = try Served()
        let call = served.caller.begin(
            "/test.Test/Double", [(":method", verb), ("content-type", type)], ended: true)
        #expect(served.worker.run { call.isOver })
        #expect(call.field(":status") == status)
        #expect(call.status == "")
    }

    @Test("content types with a codec or parameters are gRPC", arguments: ["application/grpc+proto", "application/grpc;x=y"])
    func contentTypes(type: String) throws {
        let served = try Served()
        let call = served.caller.unary("/test.Test/Double", [1], [("content-type", type)])
        #expect(call.status == "0")
    }

    @Test("a malformed grpc-timeout is INVALID_ARGUMENT", arguments: ["", "5", "5x", "-1S", "123456789S"])
    func malformedTimeout(text: String) throws {
        let served = try Served()
        let call = served.caller.unary("/test.Test/Double", [1], [("grpc-timeout", text)])
        #expect(call.status == "3")
    }

    @Test("a timeout of zero is over at once")
    func zeroTimeout() throws {
        let served = try Served()
        let call = served.caller.unary("/test.Test/Double", [1], [("grpc-timeout", "0S")])
        #expect(call.status == "4")
    }

    @Test("a compressed message is UNIMPLEMENTED, and says what is taken")
    func compressed() throws {
        let served = try Served()
        let call = served.caller.begin("/test.Test/Double", [("grpc-encoding", "gzip")])
        call.send(message: [1], flag: 1)
        call.finish()
        #expect(served.worker.run { call.isOver })
        #expect(call.status == "12")
        #expect(call.field("grpc-accept-encoding") == "identity")
    }

    @Test("an uncompressed message is taken whatever grpc-encoding says")
    func encodingUnused() throws {
        let served = try Served()
        let call = served.caller.unary("/test.Test/Double", [1], [("grpc-encoding", "gzip")])
        #expect(call.status == "0")
    }

    @Test("a compressed flag without an encoding is INTERNAL", arguments: ["/test.Test/Double", "/test.Test/Stream"])
    func compressedWithoutEncoding(path: String) throws {
        let served = try Served()
        let call = served.caller.begin(path)
        call.send(message: [1], flag: 1)
        call.finish()
        #expect(served.worker.run { call.isOver })
        #expect(call.status == "13")
    }

    @Test("malformed framing is INTERNAL", arguments: [[UInt8(2), 0, 0, 0, 0], [0, 0, 0, 0, 2, 1], [0, 0]])
    func malformedFrames(bytes: [UInt8]) throws {
        let served = try Served()
        for path in ["/test.Test/Double", "/test.Test/Stream", "/test.Test/Many"] {
            let call = served.caller.begin(path)
            call.send(bytes)
            call.finish()
            #expect(served.worker.run { call.isOver })
            #expect(call.status == "13", "\(path)")
        }
        #expect(served.caller.unary("/test.Test/Double", [1]).status == "0", "others are not disturbed")
    }

    @Test("a head over the limit is RESOURCE_EXHAUSTED, and the connection goes on")
    func headTooLarge() throws {
        let served = try Served()
        let call = served.caller.begin(
            "/test.Test/Double", (0..<120).map { ("x-filler-\($0)", "value") }, ended: true)
        #expect(served.worker.run { call.isOver })
        #expect(call.status == "8")
        #expect(served.caller.unary("/test.Test/Double", [1]).status == "0")
    }

    @Test(
        "metadata that may not be sent is not",
        arguments: [
            ("Upper", "a"), ("", "a"), (":status", "200"), ("grpc-status", "0"), ("content-type", "a"),
            ("connection", "close"), ("te", "trailers"), ("sp ace", "a"), ("x-ok", "line\nbreak"), ("x-ok", " edge"),
            ("x-ok", "grö"),
        ])
    func badMetadata(name: String, value: String) throws {
        let served = try Served()
        served.unary.seen = { call in
            #expect(!call.addInitialMetadata(name, value))
            #expect(!call.addTrailingMetadata(name, value))
        }
        #expect(served.caller.unary("/test.Test/Double", [1]).status == "0")
    }
}

import Bytes
import Demo
import GRPCTesting
import HTTPModel
import Messages
import Net
import Reactor
import SwiftProtobuf
import Testing
import Transport

/// A demo server and a caller on one loop.
private struct Running {
    let server: DemoServer
    let caller: TestCaller
    /// Last, for it must outlive the others.
    let worker: TestWorker

    init(callerLimits: ConnectionLimits = .defaults) throws {
        worker = try TestWorker()
        server = try DemoServer.start(
            at: SocketAddress("127.0.0.1:0")!, name: "blue", context: worker.context)
        caller = try TestCaller(to: server.address!, worker: worker, limits: callerLimits)
    }

    func echo(_ request: Martlet_Demo_V1_EchoRequest, _ fields: [(String, String)] = []) throws -> TestCall {
        caller.unary("/martlet.demo.v1.Demo/Echo", try request.serializedBytes(), fields)
    }
}

private func instructions(_ fill: (inout Martlet_Demo_V1_Instructions) -> Void) -> Martlet_Demo_V1_Instructions {
    var instructions = Martlet_Demo_V1_Instructions()
    fill(&instructions)
    return instructions
}

struct DemoServerTests {
    @Test("Echo gives back what it was sent, who it is and what it saw")
    func echo() throws {
        let running = try Running()
        var request = Martlet_Demo_V1_EchoRequest()
        request.text = "hello"
        request.sequence = 7
        request.payload.append(9)
        request.instructions = instructions {
            $0.echoMetadata = ["x-tenant", "x-none"]
            $0.initialMetadata = ["x-first": "1"]
            $0.trailingMetadata = ["x-last": "2"]
        }
        let call = try running.echo(request, [("x-tenant", "acme"), ("grpc-timeout", "3S")])
        let reply = try Martlet_Demo_V1_EchoReply(serializedBytes: try #require(call.messages.first))
        #expect(call.status == "0")
        #expect(reply.text == "hello")
        #expect(reply.sequence == 7)
        #expect(Array(reply.payload) == [9])
        #expect(reply.seen.server == "blue")
        #expect(reply.seen.path == "/martlet.demo.v1.Demo/Echo")
        #expect(reply.seen.authority == "test")
        #expect(reply.seen.timeout == "3S")
        #expect(reply.seen.metadata == ["x-tenant": "acme"])
        #expect(call.head.contains { $0.name == "x-first" && $0.value == "1" })
        #expect(call.trailers.contains { $0.name == "x-last" && $0.value == "2" })
    }

    @Test("a delay is kept, and a deadline before it ends the call")
    func delay() throws {
        let running = try Running()
        var request = Martlet_Demo_V1_EchoRequest()
        request.instructions = instructions { $0.delayMs = 500 }
        let message: [UInt8] = try request.serializedBytes()
        let patient = running.caller.begin("/martlet.demo.v1.Demo/Echo")
        let hurried = running.caller.begin("/martlet.demo.v1.Demo/Echo", [("grpc-timeout", "100m")])
        for call in [patient, hurried] {
            call.send(message: message)
            call.finish()
        }
        running.worker.settle()
        running.worker.advance(by: .milliseconds(110))
        #expect(hurried.status == "4")
        running.worker.advance(by: .milliseconds(380))
        #expect(!patient.isOver)
        running.worker.advance(by: .milliseconds(20))
        #expect(patient.status == "0")
        #expect(hurried.messages.isEmpty)
    }

    @Test("a call fails as instructed, after as many answers as instructed", arguments: [0, 1, 3])
    func failing(after count: UInt32) throws {
        let running = try Running()
        var request = Martlet_Demo_V1_CountRequest()
        request.count = 3
        request.instructions = instructions {
            $0.failWithCode = 9
            $0.failMessage = "as asked"
            $0.failAfter = count
        }
        let call = running.caller.unary("/martlet.demo.v1.Demo/Count", try request.serializedBytes())
        #expect(call.status == "9")
        #expect(call.field("grpc-message") == "as asked")
        #expect(call.messages.count == Int(count))
    }

    @Test("instructions that cannot be followed are INVALID_ARGUMENT, and bytes that are no message INTERNAL")
    func badInstructions() throws {
        let running = try Running()
        let wrong = [
            instructions { $0.failWithCode = 17 }, instructions { $0.failWithCode = -1 },
            instructions { $0.payloadBytes = .max }, instructions { $0.initialMetadata = ["grpc-status": "0"] },
            instructions { $0.trailingMetadata = ["x": "a\nb"] },
        ]
        for instructions in wrong {
            var request = Martlet_Demo_V1_EchoRequest()
            request.instructions = instructions
            #expect(try running.echo(request).status == "3")
        }
        for method in ["Echo", "Collect", "Count", "Chat"] {
            #expect(running.caller.unary("/martlet.demo.v1.Demo/\(method)", [0xFF, 0xFF]).status == "13")
        }
    }

    @Test("Collect says what it took")
    func collect() throws {
        let running = try Running()
        let call = running.caller.begin("/martlet.demo.v1.Demo/Collect")
        for number in UInt64(1)...3 {
            var request = Martlet_Demo_V1_CollectRequest()
            request.text = "t\(number)"
            request.sequence = number
            request.payload.append(contentsOf: [1, 2])
            call.send(message: try request.serializedBytes())
        }
        call.finish()
        #expect(running.worker.run { call.isOver })
        let reply = try Martlet_Demo_V1_CollectReply(serializedBytes: try #require(call.messages.first))
        #expect(reply.messages == 3)
        #expect(reply.payloadBytes == 6)
        #expect(reply.texts == ["t1", "t2", "t3"])
        #expect(reply.lastSequence == 3)
        #expect(reply.seen.server == "blue")
    }

    @Test("Count sends no faster than its caller reads")
    func countBackPressure() throws {
        let running = try Running()
        var request = Martlet_Demo_V1_CountRequest()
        request.from = 10
        request.count = 2000
        request.instructions = instructions { $0.payloadBytes = 10_000 }
        let call = running.caller.begin("/martlet.demo.v1.Demo/Count")
        call.isHolding = true
        call.send(message: try request.serializedBytes())
        call.finish()
        running.worker.settle()
        #expect(call.bodyBytes <= 256 << 10)
        #expect(running.worker.context.chunks.bytesInUse < 1 << 20)
        call.isHolding = false
        #expect(running.worker.run { call.isOver })
        #expect(call.messages.count == 2000)
        let first = try Martlet_Demo_V1_CountReply(serializedBytes: call.messages[0])
        let last = try Martlet_Demo_V1_CountReply(serializedBytes: try #require(call.messages.last))
        #expect(first.sequence == 10)
        #expect(first.seen.server == "blue")
        #expect(last.sequence == 2009)
        #expect(!last.hasSeen)
    }

    @Test("Count with a delay sends one message a delay, and none for a count of zero")
    func countDelays() throws {
        let running = try Running()
        var request = Martlet_Demo_V1_CountRequest()
        request.count = 3
        request.instructions = instructions { $0.delayMs = 100 }
        let call = running.caller.begin("/martlet.demo.v1.Demo/Count")
        call.send(message: try request.serializedBytes())
        call.finish()
        running.worker.settle()
        #expect(call.messages.isEmpty)
        for count in 1...3 {
            running.worker.advance(by: .milliseconds(102))
            #expect(call.messages.count == count)
        }
        #expect(running.worker.run { call.isOver })
        #expect(running.caller.unary("/martlet.demo.v1.Demo/Count", []).status == "0")
    }

    @Test("Chat answers each message in its order, delayed or not", arguments: [0, 50] as [UInt32])
    func chat(delay: UInt32) throws {
        let running = try Running()
        let call = running.caller.begin("/martlet.demo.v1.Demo/Chat")
        for number in UInt64(0)..<5 {
            var request = Martlet_Demo_V1_ChatRequest()
            request.sequence = number
            request.text = "n\(number)"
            if number == 0 { request.instructions = instructions { $0.delayMs = delay } }
            call.send(message: try request.serializedBytes())
        }
        call.finish()
        running.worker.settle()
        if delay > 0 {
            #expect(call.messages.isEmpty)
            running.worker.advance(by: .milliseconds(300), steps: 60)
        }
        #expect(running.worker.run { call.isOver })
        let replies = try call.messages.map { try Martlet_Demo_V1_ChatReply(serializedBytes: $0) }
        #expect(replies.map(\.text) == ["n0", "n1", "n2", "n3", "n4"])
        #expect(replies.map(\.hasSeen) == [true, false, false, false, false])
        #expect(call.status == "0")
    }

    @Test("draining says NOT_SERVING, finishes what runs, and ends the connections")
    func drain() throws {
        let running = try Running()
        var request = Martlet_Demo_V1_EchoRequest()
        request.instructions = instructions { $0.delayMs = 200 }
        let call = running.caller.begin("/martlet.demo.v1.Demo/Echo")
        call.send(message: try request.serializedBytes())
        call.finish()
        running.worker.settle()
        running.server.beginDrain()
        running.worker.settle()
        #expect(running.server.connectionCount == 1)
        running.worker.advance(by: .milliseconds(220))
        #expect(call.status == "0")
        #expect(running.worker.run { running.server.connectionCount == 0 })
    }
}

import Bytes
import GRPC
import GRPCTesting
import HTTPModel
import Reactor
import Sockets
import Testing
import Transport

struct StreamingMethodTests {
    @Test("messages come one by one, whatever the bytes arrive in, and then the end")
    func splits() throws {
        let served = try Served()
        let call = served.caller.begin("/test.Test/Stream")
        for byte in [0, 0, 0, 0, 2, 8, 9, 0, 0, 0, 0, 0] as [UInt8] {
            call.send([byte])
            served.worker.loop.tick(wait: false)
        }
        call.finish()
        #expect(served.worker.run { served.streams.first?.events.last == "ended" })
        #expect(served.streams[0].messages == [[8, 9], []])
        let answering = try #require(served.streams[0].reference?.live)
        answering.addTrailingMetadata("x-end", "yes")
        answering.send { $0.append([1]) }
        answering.finish(.ok)
        #expect(served.worker.run { call.isOver })
        #expect(call.messages == [[1]])
        #expect(call.status == "0")
        #expect(call.trailers.contains { $0.name == "x-end" && $0.value == "yes" })
    }

    @Test("a bidirectional call answers while the caller still sends")
    func bidirectional() throws {
        let served = try Served()
        served.onMessage = { call, message in call.send { $0.append(message + message) } }
        let call = served.caller.begin("/test.Test/Stream")
        for number in UInt8(1)...3 {
            call.send(message: [number])
            #expect(served.worker.run { call.messages.count == Int(number) })
        }
        #expect(call.messages == [[1, 1], [2, 2], [3, 3]])
    }

    @Test("a server-streaming method begins with the caller's one message")
    func serverStreaming() throws {
        let served = try Served()
        served.onMessage = { call, _ in
            for number in UInt8(0)..<3 { call.send { $0.append([number]) } }
            call.finish(.ok)
        }
        let call = served.caller.unary("/test.Test/Many", [1])
        #expect(call.messages == [[0], [1], [2]])
        #expect(call.status == "0")
        let two = served.caller.begin("/test.Test/Many")
        two.send(message: [1])
        two.send(message: [2])
        two.finish()
        #expect(served.worker.run { two.isOver })
        #expect(two.status == "12")
    }

    @Test("a paused handler hears nothing, and the caller's window stays shut until it goes on")
    func pausing() throws {
        let served = try Served()
        served.onMessage = { call, _ in call.pauseReading() }
        let call = served.caller.begin("/test.Test/Stream")
        let message = [UInt8](repeating: 1, count: 100_000)
        for _ in 0..<10 { call.send(message: message) }
        call.finish()
        served.worker.settle()
        #expect(served.streams[0].messages.count == 1)
        let sent = try #require(call.stream?.pointee.bodyBytesSent)
        #expect(sent < 500_000, "the window is 256 KiB")
        for count in 2...10 {
            served.streams[0].reference?.live?.resumeReading()
            #expect(served.worker.run { served.streams[0].messages.count == count })
        }
        #expect(!served.streams[0].events.contains("ended"))
        served.streams[0].reference?.live?.resumeReading()
        #expect(served.streams[0].events.last == "ended")
    }

    @Test("resuming within a message goes on after it")
    func resumingWithin() throws {
        let served = try Served()
        var depth = 0
        served.onMessage = { call, _ in
            #expect(depth == 0)
            depth += 1
            call.pauseReading()
            call.resumeReading()
            depth -= 1
        }
        let call = served.caller.begin("/test.Test/Stream")
        for number in UInt8(0)..<5 { call.send(message: [number]) }
        call.finish()
        #expect(served.worker.run { served.streams.first?.events.last == "ended" })
        #expect(served.streams[0].messages == [[0], [1], [2], [3], [4]])
    }

    @Test("a caller that does not read makes the call unwritable, and reading drains it")
    func backPressure() throws {
        var limits = ConnectionLimits.defaults
        limits.streamWindowBytes = 65_535
        let served = try Served(callerLimits: limits)
        served.onMessage = { call, _ in
            while call.isWritable { call.send { $0.append([UInt8](repeating: 2, count: 10_000)) } }
        }
        let call = served.caller.begin("/test.Test/Stream")
        call.isHolding = true
        call.send(message: [1])
        served.worker.settle()
        #expect(served.streams[0].reference?.live?.isWritable == false || served.streams[0].events.contains("drained"))
        while served.streams[0].reference?.live?.isWritable == true {
            served.streams[0].reference?.live?.send { $0.append([UInt8](repeating: 2, count: 10_000)) }
            served.worker.settle()
        }
        let drains = served.streams[0].events.filter { $0 == "drained" }.count
        #expect(call.bodyBytes <= 65_535)
        call.isHolding = false
        #expect(served.worker.run { served.streams[0].events.filter { $0 == "drained" }.count == drains + 1 })
        #expect(served.streams[0].reference?.live?.isWritable == true)
    }

    @Test("a deadline ends the call in the middle, and its handler hears of it")
    func deadline() throws {
        let served = try Served()
        served.onMessage = { call, message in call.send { $0.append(message) } }
        let call = served.caller.begin("/test.Test/Stream", [("grpc-timeout", "100m")])
        call.send(message: [1])
        #expect(served.worker.run { call.messages.count == 1 })
        served.worker.advance(by: .milliseconds(99))
        #expect(!call.isOver)
        served.worker.advance(by: .milliseconds(3))
        #expect(call.status == "4")
        #expect(call.messages == [[1]])
        #expect(served.streams[0].events == ["message", "cancelled"])
        #expect(served.streams[0].reference?.live == nil)
    }

    @Test("a cancelled call is told once, and not after it was finished")
    func cancellation() throws {
        let served = try Served()
        let call = served.caller.begin("/test.Test/Stream")
        call.send(message: [1])
        #expect(served.worker.run { served.streams.first?.events == ["message"] })
        call.reset()
        #expect(served.worker.run { served.streams[0].events.contains("cancelled") })
        #expect(served.streams[0].events == ["message", "cancelled"])

        served.onMessage = { call, _ in call.finish(CallStatus(.aborted)) }
        let finished = served.caller.begin("/test.Test/Stream")
        finished.send(message: [1])
        finished.send(message: [2])
        #expect(served.worker.run { finished.isGone })
        #expect(finished.status == "10")
        #expect(served.streams[1].events == ["message"])
    }

    @Test("a lost connection cancels its calls")
    func lostConnection() throws {
        let served = try Served()
        let call = served.caller.begin("/test.Test/Stream")
        call.send(message: [1])
        #expect(served.worker.run { served.streams.first?.events == ["message"] })
        served.caller.connection.channel.abort()
        #expect(served.worker.run { served.server.callCount == 0 })
        #expect(served.streams[0].events == ["message", "cancelled"])
    }

    @Test("a silent stream with a handler lives on; one that owes its request does not")
    func silence() throws {
        let served = try Served()
        let stream = served.caller.begin("/test.Test/Stream")
        let unary = served.caller.begin("/test.Test/Double")
        served.worker.settle()
        served.worker.advance(by: .seconds(400), steps: 500)
        #expect(unary.status == "4")
        #expect(!stream.isOver)
    }

    @Test("request metadata is read as it came")
    func metadata() throws {
        let served = try Served()
        served.unary.seen = { call in
            #expect(call.metadata("x-one") == "a")
            #expect(call.metadata("x-none") == nil)
            #expect(call.path == "/test.Test/Double")
            #expect(call.authority == "test")
            #expect(call.timeoutText == "7S")
        }
        let call = served.caller.unary("/test.Test/Double", [1], [("x-one", "a"), ("grpc-timeout", "7S")])
        #expect(call.status == "0")
    }
}

import Bytes
import GRPC
import GRPCTesting
import HTTPModel
import Testing
import Transport

struct UnaryMethodTests {
    @Test("a unary call is answered with one message and status 0")
    func answers() throws {
        let served = try Served()
        let call = served.caller.unary("/test.Test/Double", [1, 2])
        #expect(call.messages == [[1, 2, 1, 2]])
        #expect(call.status == "0")
        #expect(call.head.first { $0.name == ":status" }?.value == "200")
        #expect(call.field("content-type") == "application/grpc")
        #expect(served.worker.run { served.server.callCount == 0 })
    }

    @Test("objects of calls are used again")
    func reuses() throws {
        let served = try Served()
        var objects: Set<ObjectIdentifier> = []
        served.unary.seen = { objects.insert(ObjectIdentifier($0)) }
        for number in 0..<20 {
            let call = served.caller.unary("/test.Test/Double", [UInt8(number)])
            #expect(call.messages == [[UInt8(number), UInt8(number)]])
            served.worker.settle()
        }
        #expect(objects.count == 1)
    }

    @Test("an empty message is a message")
    func emptyMessage() throws {
        let served = try Served()
        let call = served.caller.unary("/test.Test/Double", [])
        #expect(call.messages == [[]])
        #expect(call.status == "0")
    }

    @Test("a failure is an answer without messages, with message, details and metadata")
    func failure() throws {
        let served = try Served()
        served.unary.refusal = CallStatus(.permissionDenied, "no, größe", details: [8, 7])
        served.unary.seen = { call in
            #expect(call.addInitialMetadata("x-initial", "a"))
            #expect(call.addTrailingMetadata("x-trailing-bin", "\u{1}\u{2}"))
        }
        let call = served.caller.unary("/test.Test/Double", [1])
        #expect(call.messages.isEmpty)
        #expect(call.trailers.isEmpty)
        #expect(call.status == "7")
        #expect(call.field("grpc-message") == "no, gr%C3%B6%C3%9Fe")
        #expect(call.field("grpc-status-details-bin") == "CAc")
        #expect(call.field("x-initial") == "a")
        #expect(call.field("x-trailing-bin") == "AQI")
    }

    @Test("an answer may come later, through the call's reference")
    func later() throws {
        let served = try Served()
        served.unary.isLater = true
        let call = served.caller.begin("/test.Test/Double")
        call.send(message: [5])
        call.finish()
        served.worker.settle()
        #expect(!call.isOver)
        let answering = try #require(served.unary.kept?.live)
        answering.send { $0.append([9]) }
        answering.finish(.ok)
        #expect(served.unary.kept?.live == nil)
        #expect(served.worker.run { call.isOver })
        #expect(call.messages == [[9]])
        #expect(call.status == "0")
    }

    @Test("a reference to a call that was cancelled leads nowhere, even when its object serves another")
    func staleReference() throws {
        let served = try Served()
        served.unary.isLater = true
        let first = served.caller.begin("/test.Test/Double")
        first.send(message: [1])
        first.finish()
        #expect(served.worker.run { served.unary.kept != nil })
        let stale = served.unary.kept
        first.reset()
        #expect(served.worker.run { served.server.callCount == 0 })
        #expect(stale?.live == nil)
        let second = served.caller.begin("/test.Test/Double")
        second.send(message: [2])
        second.finish()
        #expect(served.worker.run { served.unary.kept?.live != nil })
        #expect(stale?.live == nil)
    }

    @Test("a call must have exactly one message")
    func cardinality() throws {
        let served = try Served()
        let none = served.caller.begin("/test.Test/Double", ended: true)
        #expect(served.worker.run { none.isOver })
        #expect(none.status == "12")
        let two = served.caller.begin("/test.Test/Double")
        two.send(message: [1])
        two.send(message: [2])
        two.finish()
        #expect(served.worker.run { two.isOver })
        #expect(two.status == "12")
        #expect(two.messages.isEmpty)
    }

    @Test("a message at the limit is taken, one above is refused", arguments: [(1000, "0"), (1001, "8")])
    func limit(size: Int, status: String) throws {
        let served = try Served(messageBytesMax: 1000)
        let call = served.caller.unary("/test.Test/Double", Array(repeating: 1, count: size))
        #expect(call.status == status)
    }

    @Test("a message larger than the stream's window arrives")
    func largerThanWindow() throws {
        let served = try Served()
        let call = served.caller.unary("/test.Test/Double", Array(repeating: 7, count: 1 << 20))
        #expect(call.status == "0")
        #expect(call.messages.first?.count == 2 << 20)
    }

    @Test("a caller that sends without end is stopped at the limit, and told to stop sending")
    func endless() throws {
        let served = try Served(messageBytesMax: 1000)
        let call = served.caller.begin("/test.Test/Double")
        for _ in 0..<20 { call.send(message: Array(repeating: 1, count: 100)) }
        #expect(served.worker.run { call.isGone })
        #expect(call.status == "8")
        #expect(call.close == .complete)
    }
}

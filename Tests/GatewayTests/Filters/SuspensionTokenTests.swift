import Bytes
import Testing

@testable import Gateway

@Suite struct SuspensionTokenTests {
    @Test("a token finds its call once, and not when the call is over or was suspended anew")
    func tokens() throws {
        let house = try TestGateway()
        let call = house.gateway.calls.acquire()
        defer { house.gateway.calls.release(call) }
        let first = SuspensionToken(suspending: call)
        #expect(first.waitingCall == nil, "nothing waits yet")
        call.phase = .suspended
        #expect(first.waitingCall == call)
        #expect(SuspensionToken(context: first.context, tag: first.tag).waitingCall == call)
        call.phase = .filtering
        #expect(first.waitingCall == nil, "it has gone on")
        let second = SuspensionToken(suspending: call)
        call.phase = .suspended
        #expect(first.waitingCall == nil && second.waitingCall == call)
        call.finish(pool: house.gateway.chunks, house.gateway.noCall)
        call.phase = .suspended
        #expect(second.waitingCall == nil, "another call has the record")
    }
}

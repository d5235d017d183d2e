import Bytes
import Calls
import Testing

@testable import Filters
@testable import Gateway

@Suite struct SuspensionTokenTests {
    @Test("a token finds its call once, and not when the call is over or was suspended anew")
    func tokens() throws {
        let house = try TestGateway()
        let call = house.gateway.calls.records.acquire()
        defer { house.gateway.calls.records.release(call) }
        let first = SuspensionToken(suspending: call)
        #expect(first.waitingCall == nil, "nothing waits yet")
        for event: CallMachine.Event in [.arrived, .routed, .waits] { _ = call.machine.handle(event) }
        #expect(first.waitingCall == call)
        #expect(SuspensionToken(context: first.context, tag: first.tag).waitingCall == call)
        _ = call.machine.handle(.resumed)
        #expect(first.waitingCall == nil, "it has gone on")
        let second = SuspensionToken(suspending: call)
        _ = call.machine.handle(.waits)
        #expect(first.waitingCall == nil && second.waitingCall == call)
        call.finish(pool: house.gateway.chunks, house.gateway.calls.noCall)
        for event: CallMachine.Event in [.arrived, .routed, .waits] { _ = call.machine.handle(event) }
        #expect(second.waitingCall == nil, "another call has the record")
    }
}

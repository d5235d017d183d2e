import HTTPModel
import Net
import Testing
import Time
import Transport

@testable import Control

@Suite struct FaultWatchTests {
    private func fault(_ fault: SessionFault, isDownstream: Bool = true) -> ConnectionFault {
        ConnectionFault(fault, isDownstream: isDownstream, peer: SocketAddress("192.0.2.1:4000"))
    }

    @Test("each reason is said at once, then every ten seconds with how many there were meanwhile")
    func gate() {
        var gate = FaultGate()
        let start = Instant(nanoseconds: 1)
        #expect(gate.pass(fault(.fieldFlood), now: start) == 0)
        #expect(gate.pass(fault(.fieldFlood), now: start + .seconds(1)) == nil)
        #expect(gate.pass(fault(.fieldFlood), now: start + .milliseconds(9999)) == nil)
        // Other reasons, and the other side, have their own time.
        #expect(gate.pass(fault(.sectionTooLarge), now: start + .seconds(2)) == 0)
        #expect(gate.pass(fault(.fieldFlood, isDownstream: false), now: start + .seconds(2)) == 0)
        #expect(gate.pass(fault(.fieldFlood), now: start + .seconds(10)) == 2)
        #expect(gate.pass(fault(.fieldFlood), now: start + .seconds(20)) == 0)
    }

    @Test("a line says whose connection it was, and why it ended")
    func line() {
        #expect(
            FaultWatch.line(fault(.fieldFlood), suppressed: 3)
                == "caller's connection ended: too many bytes of headers beyond the limit reason=header_flood peer=192.0.2.1:4000 more_since_last_notice=3"
        )
        for each in SessionFault.allCases {
            #expect(FaultWatch.line(fault(each, isDownstream: false), suppressed: 0).hasPrefix("connection to an upstream ended: "))
        }
    }
}

import Testing

@testable import Transport

@Suite struct DrainMachineTests {
    @Test("an idle connection: announce, then name the last stream and close")
    func idle() {
        var machine = DrainMachine()
        #expect(machine.isServing)
        #expect(machine.begin() == .announce)
        #expect(!machine.isServing)
        #expect(machine.answered(openStreams: 0) == [.nameLastStream, .close])
        #expect(machine.state == .done)
    }

    @Test("with streams open: the last stream's end closes, and no earlier one")
    func busy() {
        var machine = DrainMachine()
        #expect(machine.begin() == .announce)
        #expect(machine.answered(openStreams: 2) == [.nameLastStream])
        #expect(machine.streamEnded(openStreams: 1) == .none)
        #expect(machine.streamEnded(openStreams: 0) == .close)
        #expect(machine.streamEnded(openStreams: 0) == .none)
    }

    @Test("a stream's end before the answer closes nothing: another may be on the wire")
    func beforeAnswer() {
        var machine = DrainMachine()
        #expect(machine.streamEnded(openStreams: 0) == .none)
        #expect(machine.begin() == .announce)
        #expect(machine.streamEnded(openStreams: 0) == .none)
        #expect(machine.answered(openStreams: 1) == [.nameLastStream])
        #expect(machine.streamEnded(openStreams: 0) == .close)
    }

    @Test("what comes twice or unasked for does nothing")
    func repeated() {
        var machine = DrainMachine()
        #expect(machine.answered(openStreams: 0) == [])
        #expect(machine.begin() == .announce)
        #expect(machine.begin() == .none)
        #expect(machine.answered(openStreams: 1) == [.nameLastStream])
        #expect(machine.answered(openStreams: 0) == [])
        #expect(machine.begin() == .none)
        #expect(machine.streamEnded(openStreams: 0) == .close)
        #expect(machine.answered(openStreams: 0) == [])
    }
}

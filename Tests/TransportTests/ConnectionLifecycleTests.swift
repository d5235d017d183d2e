import Testing
import Time

@testable import Transport

@Suite("A connection's life")
struct ConnectionLifecycleTests {
    typealias Actions = ConnectionLifecycle.Actions

    static let second: UInt64 = 1_000_000_000
    static let limits = ConnectionLifecycle.Limits(
        handshake: .seconds(10), idle: .seconds(100), stall: .seconds(30), ageGrace: .seconds(5))

    private func greeting(age: UInt64? = nil) -> ConnectionLifecycle { ConnectionLifecycle(now: Self.second, age: age) }

    /// One that has said what it speaks.
    private func serving(_ codec: ConnectionLifecycle.Codec = .http2, age: UInt64? = nil) -> ConnectionLifecycle {
        var life = greeting(age: age)
        #expect(life.codecChosen(codec) == [])
        life.prefaceReceived()
        return life
    }

    private func facts(_ openStreams: Int = 0) -> ConnectionLifecycle.Facts {
        ConnectionLifecycle.Facts(openStreams: openStreams, pendingBytes: 0, lastProgress: 0, isClosing: false, headSince: nil)
    }

    // MARK: Leaving

    @Test("an idle connection: announce, then name the last stream and close")
    func idle() {
        var life = serving()
        #expect(life.drain == .serving)
        #expect(life.drain(now: 5) == .announce)
        #expect(life.drain == .announced && life.isDraining)
        #expect(life.answered(openStreams: 0) == [.nameLastStream, .closeAfterPeer])
        #expect(life.drain == .done)
    }

    @Test("with streams open: the last stream's end closes, and no earlier one")
    func busy() {
        var life = serving()
        #expect(life.drain(now: 5) == .announce)
        #expect(life.answered(openStreams: 2) == .nameLastStream)
        #expect(life.streamEnded(openStreams: 1, now: 6) == [])
        #expect(life.streamEnded(openStreams: 0, now: 6) == .closeAfterPeer)
        #expect(life.streamEnded(openStreams: 0, now: 6) == [])
    }

    @Test("a stream's end before the answer closes nothing: another may be on the wire")
    func beforeAnswer() {
        var life = serving()
        #expect(life.streamEnded(openStreams: 0, now: 5) == [])
        #expect(life.drain(now: 5) == .announce)
        #expect(life.streamEnded(openStreams: 0, now: 6) == [])
        #expect(life.answered(openStreams: 1) == .nameLastStream)
        #expect(life.streamEnded(openStreams: 0, now: 7) == .closeAfterPeer)
    }

    @Test("what comes twice or unasked for does nothing")
    func repeated() {
        var life = serving()
        #expect(life.answered(openStreams: 0) == [])
        #expect(life.drain(now: 5) == .announce)
        #expect(life.drain(now: 6) == [])
        #expect(life.answered(openStreams: 1) == .nameLastStream)
        #expect(life.answered(openStreams: 0) == [])
        #expect(life.drain(now: 7) == [])
        #expect(life.streamEnded(openStreams: 0, now: 8) == .closeAfterPeer)
        #expect(life.answered(openStreams: 0) == [])
    }

    @Test("a wish to leave before anything is spoken is said as soon as it is known how, and else ends the wait after a second")
    func early() {
        var life = greeting()
        #expect(life.drain(now: 5 * Self.second) == [])
        var silent = life
        #expect(silent.tick(facts(), Self.limits, now: 6 * Self.second) == [])
        #expect(silent.tick(facts(), Self.limits, now: 6 * Self.second + 1) == .close)
        var old = life
        #expect(old.codecChosen(.http1) == .endAfterCurrentCall)
        #expect(life.codecChosen(.http2) == .announce)
    }

    @Test("HTTP/1.1 leaves with the answer under way, which its codec sees to")
    func exchanges() {
        var life = serving(.http1)
        #expect(life.drain(now: 5) == .endAfterCurrentCall)
        #expect(life.streamEnded(openStreams: 0, now: 6) == [])
        #expect(life.answered(openStreams: 0) == [])
    }

    @Test("a PING that is not answered within a second counts as answered")
    func unanswered() {
        var life = serving()
        #expect(life.drain(now: 5 * Self.second) == .announce)
        #expect(life.tick(facts(2), Self.limits, now: 6 * Self.second) == .sweepStreams)
        #expect(life.tick(facts(2), Self.limits, now: 6 * Self.second + 1) == [.nameLastStream, .sweepStreams])
        #expect(life.tick(facts(2), Self.limits, now: 9 * Self.second) == .sweepStreams)
    }

    // MARK: Time

    @Test("a greeting that takes too long ends, at its limit not yet")
    func handshake() {
        var life = greeting()
        #expect(life.tick(facts(), Self.limits, now: 11 * Self.second) == [])
        #expect(life.tick(facts(), Self.limits, now: 11 * Self.second + 1) == .abort)
        life.prefaceReceived()
        #expect(life.tick(facts(), Self.limits, now: 12 * Self.second) == [])
    }

    @Test("without streams for as long as it may be, it leaves; with one it does not, and the time begins with its end")
    func idleTime() {
        var life = serving()
        #expect(life.tick(facts(1), Self.limits, now: 200 * Self.second) == .sweepStreams)
        #expect(life.streamEnded(openStreams: 0, now: 200 * Self.second) == [])
        #expect(life.idleNanoseconds(openStreams: 0, now: 201 * Self.second) == Self.second)
        #expect(life.tick(facts(), Self.limits, now: 300 * Self.second) == [])
        #expect(life.tick(facts(), Self.limits, now: 300 * Self.second + 1) == .announce)
        #expect(life.idleNanoseconds(openStreams: 0, now: 301 * Self.second) == 0, "it leaves already")
    }

    @Test("at its age it takes no more calls, and those that run end with their grace")
    func age() {
        var life = serving(age: 10 * Self.second)
        #expect(life.tick(facts(1), Self.limits, now: 11 * Self.second) == .sweepStreams)
        #expect(life.tick(facts(1), Self.limits, now: 11 * Self.second + 1) == [.announce, .countAge, .sweepStreams])
        #expect(life.answered(openStreams: 1) == .nameLastStream)
        #expect(life.tick(facts(1), Self.limits, now: 16 * Self.second) == .sweepStreams)
        #expect(life.tick(facts(1), Self.limits, now: 16 * Self.second + 1) == [.endStreams, .sweepStreams])
        #expect(life.tick(facts(1), Self.limits, now: 17 * Self.second) == .sweepStreams, "once")
    }

    @Test("a head that is not completed is refused, and nothing else is looked at meanwhile")
    func slowHead() {
        var life = serving(.http1)
        var facts = facts()
        facts.headSince = 200 * Self.second
        #expect(life.tick(facts, Self.limits, now: 210 * Self.second) == [], "not idle either")
        #expect(life.tick(facts, Self.limits, now: 210 * Self.second + 1) == .refuseSlowHead)
    }

    @Test("a peer that takes nothing for too long is told of no more, whatever state the connection is in")
    func stalled() {
        for life in [greeting(), serving(), serving(.http1)] {
            var life = life
            var facts = facts(1)
            (facts.pendingBytes, facts.lastProgress) = (1, 2 * Self.second)
            #expect(!life.tick(facts, Self.limits, now: 32 * Self.second).contains(.notifyStalled))
            #expect(life.tick(facts, Self.limits, now: 32 * Self.second + 1) == [.notifyStalled, .abort])
        }
    }

    @Test("who was told everything has a second to close, and longer while bytes still wait")
    func closing() {
        var life = serving()
        var facts = facts()
        facts.isClosing = true
        #expect(life.tick(facts, Self.limits, now: 5 * Self.second) == [])
        #expect(life.tick(facts, Self.limits, now: 6 * Self.second) == [])
        (facts.pendingBytes, facts.lastProgress) = (1, 6 * Self.second)
        #expect(life.tick(facts, Self.limits, now: 7 * Self.second) == [])
        facts.pendingBytes = 0
        #expect(life.tick(facts, Self.limits, now: 7 * Self.second) == .abort)
    }

    @Test("without limits nothing ends by itself")
    func unlimited() {
        var life = serving()
        let none = ConnectionLifecycle.Limits()
        for now in [1, 1000, 1_000_000] as [UInt64] { #expect(life.tick(facts(), none, now: now * Self.second) == []) }
    }
}

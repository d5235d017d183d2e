/// One connection's place in leaving.
///
///     serving ──begin──▶ announced ──pong──▶ draining ──last stream──▶ done
///
/// We announce with GOAWAY(2³¹−1) and a PING, and name the true last stream only after the answer to the PING: a request
/// already on the wire is served, not lost (RFC 9113, section 6.8). Pure: no socket, no clock.
struct DrainMachine {
    private(set) var state = State.serving

    enum State { case serving, announced, draining, done }

    enum Action: Equatable {
        case none
        /// GOAWAY with the highest id, and a PING.
        case announce
        /// GOAWAY with the last stream that was begun.
        case nameLastStream
        case close
    }

    var isServing: Bool { state == .serving }

    mutating func begin() -> Action {
        guard state == .serving else { return .none }
        state = .announced
        return .announce
    }

    /// The PING was answered, or its time is up.
    mutating func answered(openStreams: Int) -> [Action] {
        guard state == .announced else { return [] }
        state = openStreams == 0 ? .done : .draining
        return openStreams == 0 ? [.nameLastStream, .close] : [.nameLastStream]
    }

    mutating func streamEnded(openStreams: Int) -> Action {
        guard state == .draining, openStreams == 0 else { return .none }
        state = .done
        return .close
    }
}

import Random
import Testing

@testable import Calls

@Suite("Where a call stands")
struct CallMachineTests {
    typealias State = CallMachine.State
    typealias Event = CallMachine.Event
    typealias Facts = CallMachine.Facts
    typealias Actions = CallMachine.Actions

    struct Pair: Hashable {
        let state: State
        let event: Event
    }

    private static func machine(in state: State) -> CallMachine {
        let events: [Event] =
            switch state {
            case .idle: []
            case .arriving: [.arrived]
            case .filtering: [.arrived, .routed]
            case .suspended: [.arrived, .routed, .waits]
            case .dispatching: [.arrived, .routed, .filtered]
            case .holding: [.arrived, .routed, .filtered, .headKept]
            case .answering: [.arrived, .routed, .filtered, .head]
            case .answered: [.arrived, .routed, .filtered, .head, .completed]
            }
        var machine = CallMachine()
        for event in events { _ = machine.handle(event) }
        return machine
    }

    private static let refusal: Actions = [.cancelAttempts, .dropBody, .record, .refuse]
    private static let unsent: Actions = [.cancelAttempts, .disarmDeadline, .record, .resetUnsent]
    private static let stall: Actions = unsent.union(.dropBody)
    private static let shed: Actions = [.cancelAttempts, .disarmDeadline, .record, .resetShed]
    private static let loss: Actions = [.cancelAttempts, .disarmDeadline, .record, .finish]
    private static let end: Actions = [.cancelAttempts, .disarmDeadline, .finish]

    /// All pairs that can be, where no fact holds.
    private static let table: [Pair: (State, Actions)] = {
        let rows: [(State, Event, State, Actions)] = [
            (.idle, .arrived, .arriving, []),
            (.arriving, .routed, .filtering, .filter), (.arriving, .failed, .answered, refusal),
            (.arriving, .closed, .idle, loss), (.arriving, .lost, .idle, loss),
            (.filtering, .waits, .suspended, []), (.filtering, .filtered, .dispatching, .dispatch),
            (.filtering, .replied, .answered, .dropBody), (.filtering, .failed, .answered, refusal),
            (.filtering, .shed, .filtering, .fail), (.filtering, .closed, .idle, loss), (.filtering, .lost, .idle, loss),
            (.suspended, .resumed, .filtering, []), (.suspended, .unconvertible, .suspended, .fail),
            (.suspended, .failed, .answered, refusal), (.suspended, .timedOut, .answered, refusal),
            (.suspended, .deadlinePassed, .suspended, .failByDeadline), (.suspended, .stalled, .answered, stall),
            (.suspended, .shed, .suspended, .fail), (.suspended, .closed, .idle, loss), (.suspended, .lost, .idle, loss),
            (.dispatching, .headKept, .holding, .dropBody), (.dispatching, .head, .answering, .dropBody),
            (.dispatching, .replied, .answered, [.cancelAttempts, .dropBody]),
            (.dispatching, .unconvertible, .dispatching, .fail), (.dispatching, .failed, .answered, refusal),
            (.dispatching, .timedOut, .answered, refusal), (.dispatching, .deadlinePassed, .dispatching, .failByDeadline),
            (.dispatching, .stalled, .answered, stall), (.dispatching, .shed, .dispatching, .fail),
            (.dispatching, .closed, .idle, loss), (.dispatching, .lost, .idle, loss),
            (.holding, .head, .answering, []), (.holding, .unconvertible, .holding, .fail),
            (.holding, .failed, .answered, refusal), (.holding, .timedOut, .answered, refusal),
            (.holding, .deadlinePassed, .holding, .failByDeadline), (.holding, .stalled, .answered, stall),
            (.holding, .shed, .holding, .fail),
            (.holding, .closed, .idle, loss), (.holding, .lost, .idle, loss),
            (.answering, .completed, .answered, []), (.answering, .endUnreadable, .answered, [.record, .endInTrailers]),
            (.answering, .endUntold, .answered, .resetIncomplete), (.answering, .unconvertible, .answering, .fail),
            (.answering, .failed, .answered, [.cancelAttempts, .record, .resetIncomplete]),
            (.answering, .timedOut, .answered, [.cancelAttempts, .record, .resetIncomplete]),
            (.answering, .deadlinePassed, .answering, .failByDeadline), (.answering, .stalled, .answered, stall),
            (.answering, .shed, .answered, shed), (.answering, .closed, .idle, loss), (.answering, .lost, .idle, loss),
            (.answered, .timedOut, .answered, unsent),
            (.answered, .deadlinePassed, .answered, .deferDeadline), (.answered, .stalled, .answered, stall),
            (.answered, .shed, .answered, shed), (.answered, .closed, .idle, end), (.answered, .lost, .idle, loss),
        ]
        return Dictionary(uniqueKeysWithValues: rows.map { (Pair(state: $0.0, event: $0.1), ($0.2, $0.3)) })
    }()

    @Test("each event in each state leads where the table says, or is unexpected and changes nothing", arguments: State.allCases)
    func table(state: State) {
        for event in Event.allCases {
            var machine = Self.machine(in: state)
            #expect(machine.state == state)
            let actions = machine.handle(event)
            if let (next, expected) = Self.table[Pair(state: state, event: event)] {
                #expect(machine.state == next && actions == expected, "\(event) in \(state)")
            } else {
                #expect(machine.state == state && actions == .unexpected, "\(event) in \(state)")
            }
        }
    }

    /// What facts change.
    static let turns: [(State, Event, Facts, State, Actions)] = [
        // What is told by a filter waits for it; behind that filter it is told at once.
        (.suspended, .unconvertible, .tellsConversion, .suspended, .keepFailure),
        (.answering, .failed, .mayEndInTrailers, .answered, [.cancelAttempts, .record, .endInTrailers]),
        (.answering, .timedOut, .mayEndInTrailers, .answered, [.cancelAttempts, .record, .endInTrailers]),
        (.answering, .failed, [.mayEndInTrailers, .hasUnsent], .answered, [.cancelAttempts, .record, .endInTrailers]),
        // Nothing of the answer has left.
        (.answering, .failed, .headWaits, .answered, [.cancelAttempts, .record, .withdrawHead, .refuse]),
        (.answering, .timedOut, [.headWaits, .hasUnsent], .answered, [.cancelAttempts, .record, .withdrawHead, .refuse]),
        (.answering, .failed, [.headWaits, .mayEndInTrailers], .answered, [.cancelAttempts, .record, .endInTrailers]),
        (.answering, .endUntold, [.headWaits, .hasUnsent], .holding, .withdrawHead),
        (.answering, .endUntold, .hasUnsent, .answered, .resetIncomplete),
        // What is to go first already waits for the caller, whose time is up.
        (.answering, .failed, [.mayEndInTrailers, .hasUnsent, .isOutOfTime], .answered, unsent),
        (.answering, .deadlinePassed, .hasUnsent, .answering, .deferDeadline),
        (.answering, .deadlinePassed, [.hasUnsent, .isDeferred], .answering, .failByDeadline),
        (.answered, .deadlinePassed, .hasEnded, .answered, .resetRequest),
        (.answered, .deadlinePassed, [.hasEnded, .isDeferred], .answered, .resetRequest),
        (.answered, .deadlinePassed, .isDeferred, .answered, unsent.union(.countTimeout)),
        // It was counted when it was refused.
        (.answered, .deadlinePassed, [.isDeferred, .isRecorded], .answered, unsent),
        (.answered, .stalled, .isRecorded, .answered, .cancelAttempts),
        (.answered, .lost, .hasEnded, .idle, end), (.answered, .lost, .isRecorded, .idle, end),
    ]

    @Test("facts decide how an answer ends that cannot be completed", arguments: turns.indices)
    func turn(index: Int) {
        let (state, event, facts, next, expected) = Self.turns[index]
        var machine = Self.machine(in: state)
        #expect(machine.handle(event, facts) == expected, "\(event) in \(state)")
        #expect(machine.state == next, "\(event) in \(state)")
    }

    @Test("what is common needs no facts: they change nothing of it", arguments: State.allCases)
    func common(state: State) {
        for event in Event.allCases {
            var short = Self.machine(in: state)
            var long = short
            let before = short
            if let actions = short.handleCommon(event) {
                #expect(long.handle(event, Facts(rawValue: .max)) == actions && short == long)
            } else {
                #expect(short == before, "what is not common is not handled")
            }
        }
    }

    @Test(
        "whatever happens, a call is answered once, cancelled before its record is given back, and given back once",
        arguments: UInt64(1)...300)
    func lives(seed: UInt64) {
        var random = RandomGenerator(seed: seed)
        var machine = CallMachine()
        var lives = 0
        var (heads, ends, finished) = (0, 0, 0)
        var attemptsRun = false
        for _ in 0..<1000 {
            let state = machine.state
            let event = Event.allCases[random.below(Event.allCases.count)]
            let facts = Facts(rawValue: UInt8(truncatingIfNeeded: random.next()) & 255)
            guard Self.table[Pair(state: state, event: event)] != nil else {
                #expect(machine.handle(event, facts) == .unexpected && machine.state == state, "\(event) in \(state)")
                continue
            }
            if event == .arrived {
                lives += 1
                (heads, ends) = (0, 0)
            }
            let actions = machine.handle(event, facts)
            #expect(!actions.contains(.unexpected), "\(event) in \(state)")
            if actions.contains(.dispatch) { attemptsRun = true }
            if actions.contains(.cancelAttempts) { attemptsRun = false }
            if actions.contains(.withdrawHead) { heads -= 1 }
            // A call has one head: its upstream's, a filter's or a refusal's.
            if event == .head || event == .replied || actions.contains(.refuse) { heads += 1 }
            if event == .completed { ends += 1 }
            if event == .replied { ends += 1 }
            if actions.contains(.refuse) || actions.contains(.endInTrailers) || actions.contains(.resetIncomplete) { ends += 1 }
            #expect(heads <= 1 && ends <= 1, "\(event) in \(state)")
            if actions.contains(.finish) {
                finished += 1
                #expect(!attemptsRun, "\(event) in \(state)")
            }
            #expect(finished == lives - (machine.state == .idle ? 0 : 1))
        }
    }
}

import Random
import Testing

@testable import Calls

@Suite("Where an attempt stands")
struct AttemptMachineTests {
    typealias State = AttemptMachine.State
    typealias Event = AttemptMachine.Event
    typealias Actions = AttemptMachine.Actions

    struct Pair: Hashable {
        let state: State
        let event: Event
    }

    private static func machine(in state: State) -> AttemptMachine {
        let events: [Event] =
            switch state {
            case .idle: []
            case .picking: [.begin]
            case .queued: [.begin, .wait]
            case .sent: [.begin, .room]
            case .held: [.begin, .room, .headOpen]
            case .backingOff: [.backOff]
            case .committed: [.begin, .room, .answer]
            case .ended: [.cancelled]
            }
        var machine = AttemptMachine()
        for event in events { _ = machine.handle(event) }
        return machine
    }

    /// All pairs that can be.
    private static let table: [Pair: (State, Actions)] = {
        let reset: Actions = [.releaseStream, .dropLoad, .resetStream]
        let rows: [(State, Event, State, Actions)] = [
            (.idle, .begin, .picking, .pick), (.idle, .backOff, .backingOff, []), (.idle, .cancelled, .ended, []),
            (.picking, .room, .sent, .send), (.picking, .wait, .queued, []), (.picking, .refused, .idle, .decide),
            (.picking, .noConnection, .idle, [.dropLoad, .decide]), (.picking, .cancelled, .ended, []),
            (.queued, .room, .sent, .send), (.queued, .noConnection, .idle, [.dropLoad, .decide]),
            (.queued, .endpointRemoved, .picking, [.dropLoad, .pick]),
            (.queued, .timeUp, .idle, [.withdraw, .dropLoad, .decide]), (.queued, .cancelled, .ended, [.withdraw, .dropLoad]),
            (.sent, .unsendable, .idle, [.dropLoad, .decide]), (.sent, .answer, .committed, .commit),
            (.sent, .headOpen, .held, .hold),
            (.sent, .replaced, .idle, reset), (.sent, .timeUp, .idle, reset.union(.decide)),
            (.sent, .streamClosed, .idle, [.releaseStream, .dropLoad, .decide]), (.sent, .cancelled, .ended, reset),
            (.held, .answer, .committed, .commit), (.held, .holdOver, .committed, .commit), (.held, .replaced, .idle, reset),
            (.held, .timeUp, .idle, reset.union(.decide)), (.held, .streamClosed, .idle, [.releaseStream, .dropLoad, .decide]),
            (.held, .cancelled, .ended, reset),
            (.backingOff, .begin, .picking, .pick), (.backingOff, .cancelled, .ended, []),
            (.committed, .streamClosed, .ended, [.releaseStream, .dropLoad]), (.committed, .cancelled, .ended, reset),
            (.ended, .cancelled, .ended, []),
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

    /// What an attempt holds.
    private struct Holdings: Equatable {
        var load = 0
        var place = 0
        var stream = 0

        /// What the owner or the pool does before it tells of an event.
        mutating func take(_ event: Event, in state: State) {
            switch (event, state) {
            case (.wait, .picking): (load, place) = (load + 1, place + 1)
            case (.room, .picking), (.noConnection, .picking): load += 1
            case (.room, .queued), (.noConnection, .queued), (.endpointRemoved, .queued): place -= 1
            default: break
            }
        }

        mutating func perform(_ actions: Actions, isSendable: Bool) {
            if actions.contains(.withdraw) { place -= 1 }
            if actions.contains(.releaseStream) { stream -= 1 }
            if actions.contains(.dropLoad) { load -= 1 }
            if actions.contains(.send), isSendable { stream += 1 }
        }
    }

    @Test("what an attempt has taken is given back once, whatever happens to it", arguments: UInt64(1)...200)
    func holdings(seed: UInt64) {
        var random = RandomGenerator(seed: seed)
        var machine = AttemptMachine()
        var held = Holdings()
        var sendable = true
        for _ in 0..<200 {
            let state = machine.state
            let possible = Event.allCases.filter { event in
                guard Self.table[Pair(state: state, event: event)] != nil else { return false }
                // The connection takes a request at once, or not at all.
                if state == .sent { return sendable ? event != .unsendable : event == .unsendable }
                return true
            }
            guard !possible.isEmpty else { break }
            let event = possible[random.below(possible.count)]
            held.take(event, in: state)
            let actions = machine.handle(event)
            if actions.contains(.send) { sendable = random.below(4) > 0 }
            held.perform(actions, isSendable: sendable)
            let expected: Holdings =
                switch machine.state {
                case .idle, .picking, .backingOff, .ended: Holdings()
                case .queued: Holdings(load: 1, place: 1)
                case .sent: Holdings(load: 1, stream: sendable ? 1 : 0)
                case .held, .committed: Holdings(load: 1, stream: 1)
                }
            #expect(held == expected, "after \(event) in \(state)")
            if machine.state == .ended { break }
        }
    }
}

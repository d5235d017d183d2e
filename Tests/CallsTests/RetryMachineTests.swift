import GRPC
import GatewayModel
import Random
import Snapshots
import Testing
import Time

@testable import Calls

@Suite("Which attempts a call makes")
struct RetryMachineTests {
    typealias Machine = RetryMachine
    typealias Steps = RetryMachine.Steps

    private static let unavailable: RetryConditions = {
        var conditions = RetryConditions()
        conditions.insert(StatusCode.unavailable)
        conditions.insert(.connectFailure)
        conditions.insert(.reset)
        return conditions
    }()
    private static let retry = AttemptPolicy.retry(RetryPolicy(conditions: unavailable, attempts: 3))
    private static let hedging = AttemptPolicy.hedging(
        HedgingPolicy(attempts: 3, delay: .milliseconds(10), nonFatal: unavailable))

    private static func facts(
        canBeSentAgain: Bool = true, mayRepeat: Bool = true, requestEnded: Bool = true, hasOthers: Bool = false, random: UInt64 = 0,
        deadline: Instant = .distantFuture, fallsBack: Bool = false
    ) -> Machine.Facts {
        Machine.Facts(
            now: Instant(nanoseconds: 1_000_000_000), deadline: deadline, canBeSentAgain: canBeSentAgain, mayRepeat: mayRepeat,
            requestEnded: requestEnded, isRPC: true, hasOthers: hasOthers, fallsBack: fallsBack, random: random)
    }

    private static let bad = AttemptVerdict(status: .unavailable)
    private static let failed = Machine.Event.failed(.reset, .unavailable)
    private static let answered = Machine.Event.answered(bad, .none)

    /// A machine that has been told so much.
    private static func machine(_ policy: AttemptPolicy?, _ events: [Machine.Event]) -> Machine {
        var machine = Machine(policy)
        for event in events { _ = machine.handle(event, facts()) }
        return machine
    }

    // MARK: The table

    private static let events: [(String, Machine.Event)] = [
        ("begun", .begun), ("failed", failed), ("answered", answered), ("granted", .granted), ("denied", .denied),
        ("timer", .timer), ("committed", .committed(isOwn: true)), ("ended", .ended),
    ]

    /// Each state, how it is reached, and the events that it knows.
    private static let table: [(String, AttemptPolicy?, [Machine.Event], Set<String>)] = [
        ("running, no policy", nil, [], ["failed", "committed", "ended"]),
        ("running, retry", retry, [], ["failed", "answered", "committed", "ended"]),
        ("running, hedging", hedging, [], ["begun", "failed", "answered", "timer", "committed", "ended"]),
        ("asking, a retry after a failure", retry, [failed], ["granted", "denied", "ended"]),
        ("asking, a retry after an answer", retry, [answered], ["granted", "denied", "ended"]),
        ("backing off", retry, [failed, .granted], ["timer", "ended"]),
        (
            "asking, a retry after a pushback", retry,
            [.answered(bad, .after(.seconds(1))), .granted, .timer], ["granted", "denied", "ended"]
        ),
        ("asking, a hedge after a failure", hedging, [failed], ["granted", "denied", "ended"]),
        ("asking, a further hedge", hedging, [.timer], ["granted", "denied", "ended"]),
        (
            "backing off, hedging", hedging, [.answered(bad, .after(.seconds(1))), .granted], ["timer", "ended"]
        ),
        ("over, committed", retry, [.committed(isOwn: true)], ["ended"]),
        ("over", nil, [.ended], ["ended"]),
    ]

    @Test("each state takes the events that it knows; others are unexpected and change nothing", arguments: table.indices)
    func pairs(row: Int) {
        let (name, policy, way, known) = Self.table[row]
        for (word, event) in Self.events {
            var machine = Self.machine(policy, way)
            let before = machine.state
            let steps = machine.handle(event, Self.facts()).steps
            #expect(steps.contains(.unexpected) != known.contains(word), "\(word) in \(name)")
            if steps.contains(.unexpected) { #expect(machine.state == before, "\(word) in \(name)") }
        }
    }

    // MARK: Decisions

    @Test("without a policy only what no upstream has looked at is sent again, and once")
    func plain() {
        // The only endpoint has taken no connection: the route's fallback serves the call.
        var falling = Machine(nil)
        #expect(falling.handle(.failed(.connectFailed, .unavailable), Self.facts(fallsBack: true)).steps == .fail)
        for failure in [Machine.Failure.connectFailed, .unprocessed] {
            var machine = Machine(nil)
            #expect(machine.handle(.failed(failure, .unavailable), Self.facts()).steps == [.count, .begin])
            #expect(machine.handle(.failed(.connectFailed, .unavailable), Self.facts()).steps == .fail)
            #expect(machine.handle(.failed(.unprocessed, .unavailable), Self.facts()).steps == [.countReset, .fail])
        }
        for failure in [Machine.Failure.refused, .reset, .timedOut] {
            var machine = Machine(nil)
            #expect(machine.handle(.failed(failure, .unavailable), Self.facts()).steps == .fail)
        }
        var machine = Machine(nil)
        #expect(machine.handle(.failed(.connectFailed, .unavailable), Self.facts(canBeSentAgain: false)).steps == .fail)
        for (mayRepeat, steps) in [(true, [.count, .begin]), (false, .fail)] as [(Bool, Machine.Steps)] {
            var stale = Machine(nil)
            #expect(stale.handle(.failed(.stale, .unavailable), Self.facts(mayRepeat: mayRepeat)).steps == steps)
            #expect(stale.handle(.failed(.stale, .unavailable), Self.facts(mayRepeat: mayRepeat)).steps == .fail)
        }
    }

    @Test("a retry takes a place, waits, begins, and its place is free once it has failed")
    func retries() {
        var machine = Machine(Self.retry)
        #expect(machine.handle(Self.failed, Self.facts()).steps == .acquireRetry)
        #expect(machine.handle(.granted, Self.facts()).steps == [.count, .backOff, .arm])
        #expect(machine.state == .backingOff)
        #expect(machine.handle(.timer, Self.facts()).steps == .beginOwn)
        #expect(machine.previousAttempts == 1)
        #expect(machine.handle(Self.answered, Self.facts()).steps == [.releaseRetry, .acquireRetry])
        #expect(machine.handle(.granted, Self.facts()).steps == [.count, .recordAnswer, .replace, .backOff, .arm])
        _ = machine.handle(.timer, Self.facts())
        let last = machine.handle(Self.answered, Self.facts())
        #expect(last.steps == [.releaseRetry, .count, .limitReached, .pass] && last.event == .retryLimitExceeded)
    }

    @Test(
        "what speaks against a retry is counted, and what has come is the caller's",
        arguments: [
            (Pushback.never, true, GatewayEvent.retryPushedBack), (.after(.seconds(20)), true, .retryTooLate),
            (.none, false, .retryWithoutBody),
        ])
    func noRetry(pushback: Pushback, canBeSentAgain: Bool, event: GatewayEvent) {
        var machine = Machine(Self.retry)
        let facts = Self.facts(canBeSentAgain: canBeSentAgain, deadline: Instant(nanoseconds: 10_000_000_000))
        let actions = machine.handle(.answered(Self.bad, pushback), facts)
        #expect(actions.steps == [.count, .pass] && actions.event == event)
    }

    @Test("a retry that is denied ends the call with what has failed, and one whose pushback is over for want of a place")
    func denied() {
        var machine = Self.machine(Self.retry, [Self.failed])
        #expect(machine.handle(.denied, Self.facts()).steps == [.count, .budgetExhausted, .fail])
        machine = Self.machine(Self.retry, [.answered(Self.bad, .after(.seconds(1)))])
        // While the backend has it wait it holds no place.
        #expect(machine.handle(.granted, Self.facts()).steps.contains(.releaseRetry))
        #expect(machine.handle(.timer, Self.facts()).steps == .acquireRetry)
        #expect(machine.handle(.denied, Self.facts()).steps == [.count, .budgetExhausted, .failWithoutPlace])
    }

    @Test("hedges follow after the delay, or at once when one has failed, and the winner ends the others")
    func hedges() {
        var machine = Machine(Self.hedging)
        #expect(machine.handle(.begun, Self.facts()) == Machine.Actions(steps: [.arm, .beginOwn], delay: .milliseconds(10)))
        #expect(machine.handle(.timer, Self.facts()).steps == .acquireHedge)
        #expect(machine.handle(.granted, Self.facts()).steps == [.count, .arm, .beginHedge])
        #expect(machine.handle(Self.failed, Self.facts(hasOthers: true)).steps == [.drop, .acquireHedge])
        #expect(machine.handle(.granted, Self.facts()).steps == [.count, .beginHedge], "no further one")
        #expect(machine.handle(.failed(.reset, .internal), Self.facts(hasOthers: true)).steps == .drop)
        let won = machine.handle(.committed(isOwn: false), Self.facts())
        #expect(won.steps == [.releaseHedges, .count] && won.hedges == 2 && won.event == .hedgeWon)
    }

    @Test(
        "what may have been executed is sent again only where that is allowed, or where the backend asks for it",
        arguments: Machine.Failure.allCases)
    func repetition(failure: Machine.Failure) {
        var conditions = Self.unavailable
        conditions.insert(.perTryTimeout)
        conditions.insert(.refusedStream)
        let policy = AttemptPolicy.retry(RetryPolicy(conditions: conditions, attempts: 3))
        let facts = Self.facts(mayRepeat: false)
        var machine = Machine(policy)
        var actions = machine.handle(.failed(failure, .unavailable), facts)
        // Resent without a retry first.
        if failure == .connectFailed || failure == .unprocessed { actions = machine.handle(.failed(failure, .unavailable), facts) }
        switch failure {
        case .refused: #expect(actions.steps == .fail)
        case .stale, .reset, .timedOut: #expect(actions.steps == [.count, .fail] && actions.event == .retryNotIdempotent)
        case .connectFailed, .unprocessed, .timedOutUnsent: #expect(actions.steps.contains(.acquireRetry))
        }
        var answered = Machine(policy)
        let passed = answered.handle(.answered(Self.bad, .none), facts)
        #expect(passed.steps == [.count, .pass] && passed.event == .retryNotIdempotent)
        var asked = Machine(policy)
        #expect(asked.handle(.answered(Self.bad, .after(.seconds(1))), facts).steps == .acquireRetry)
    }

    // MARK: What is taken

    /// Plays the owner, the cluster's budget and the upstreams.
    private struct Play {
        var machine: Machine
        var random: RandomGenerator
        var retryPlaces = 0
        var hedgePlaces = 0
        var live = 1
        var isArmed = false
        var isOver = false
        private static let last: Steps = [
            .acquireRetry, .acquireHedge, .begin, .beginOwn, .beginHedge, .fail, .failWithoutPlace, .pass,
        ]

        mutating func tell(_ first: Machine.Event, hasOthers: Bool) {
            var event: Machine.Event? = first
            while let current = event {
                event = nil
                let facts = RetryMachineTests.facts(
                    canBeSentAgain: random.below(8) > 0, mayRepeat: random.below(4) > 0, requestEnded: random.below(8) > 0,
                    hasOthers: hasOthers,
                    random: random.next())
                let actions = machine.handle(current, facts)
                let steps = actions.steps
                #expect(!steps.contains(.unexpected), "\(current)")
                #expect(steps.intersection(Self.last).rawValue.nonzeroBitCount <= 1, "what may lead to the next event stands alone")
                if steps.contains(.releaseRetry) { retryPlaces -= 1 }
                if steps.contains(.releaseHedges) { hedgePlaces -= actions.hedges }
                if steps.contains(.replace) { live -= 1 }
                if steps.contains(.arm) { isArmed = true }
                if steps.contains(.acquireRetry) || steps.contains(.acquireHedge) {
                    let isGranted = random.below(4) > 0
                    if isGranted, steps.contains(.acquireRetry) { retryPlaces += 1 }
                    if isGranted, steps.contains(.acquireHedge) { hedgePlaces += 1 }
                    event = isGranted ? .granted : .denied
                }
                if !steps.isDisjoint(with: [.begin, .beginOwn, .beginHedge]) { live += 1 }
                if steps.contains(.pass) { event = .committed(isOwn: random.below(2) > 0) }
                if !steps.isDisjoint(with: [.fail, .failWithoutPlace]) { event = .ended }
                if case .over = machine.state { isOver = true }
            }
            #expect(retryPlaces >= 0 && retryPlaces <= 1 && hedgePlaces >= 0)
        }
    }

    @Test("places in the cluster's budgets are returned once, and a call never waits for nothing", arguments: UInt64(1)...200)
    func places(seed: UInt64) {
        for policy in [nil, Self.retry, Self.hedging] {
            var play = Play(machine: Machine(policy), random: RandomGenerator(seed: seed))
            if policy?.isHedging == true {
                play.live = 0
                play.tell(.begun, hasOthers: false)
            }
            for _ in 0..<100 where !play.isOver {
                #expect(play.live > 0 || play.isArmed, "nothing follows")
                let codes = [StatusCode.unavailable, .internal]
                switch play.random.below(6) {
                case 0 where play.isArmed && (play.machine.state == .backingOff || policy?.isHedging == true):
                    play.isArmed = false
                    play.tell(.timer, hasOthers: play.live > 1)
                case 1, 2:
                    guard play.live > 0 else { continue }
                    play.live -= 1
                    let failure = Machine.Failure.allCases[play.random.below(Machine.Failure.allCases.count)]
                    play.tell(.failed(failure, codes[play.random.below(2)]), hasOthers: play.live > 0)
                case 3, 4:
                    guard play.live > 0, policy != nil else { continue }
                    let pushback = [Pushback.none, .never, .after(.seconds(1))][play.random.below(3)]
                    play.tell(
                        .answered(AttemptVerdict(status: codes[play.random.below(2)]), pushback), hasOthers: play.live > 1)
                case 5 where play.random.below(8) == 0: play.tell(.ended, hasOthers: false)
                default: break
                }
            }
            if !play.isOver { play.tell(.ended, hasOthers: false) }
            #expect(play.retryPlaces == 0 && play.hedgePlaces == 0)
        }
    }
}

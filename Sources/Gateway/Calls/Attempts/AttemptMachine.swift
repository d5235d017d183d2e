/// Where one attempt of a request stands at one endpoint. Pure: no stream, no clock.
///
///                   ┌───────────────── endpoint removed ────────────────┐
///                   ▼                                                   │
///     idle ─begin─▶ picking ──no room──▶ queued ─────────────────────────┤
///      ▲              │                    │ room                       │
///      │              └──── room ───────▶ sent ──head, open──▶ held      │
///      │                                   │ head               │ data, end, time
///      │                                   ▼                    ▼
///      │                                committed ◀─────────────┘
///      │                                   │ stream closed
///      │                                   ▼
///      │                                 ended ◀── cancelled (from any)
///      └── failed, replaced (from any before committed), and from there: backingOff ──begin──▶ picking
///
/// Queued, it has a place in its endpoint's queue; queued, sent, held and committed, it counts as its endpoint's load; sent, held and
/// committed, it has a stream. What an event takes away of that is among its actions, and so is given back exactly once.
///
/// Usable from inline: asked at every event of a stream to an upstream.
@usableFromInline package struct AttemptMachine: Equatable {
    @usableFromInline package enum State: UInt8, CaseIterable, Sendable {
        /// Not begun, or to be begun anew.
        case idle
        /// Its endpoint and a connection are being chosen.
        case picking
        /// No connection of its endpoint has room yet.
        case queued
        /// On a stream; no answer that counts yet.
        case sent
        /// The head of its answer has arrived, and waits for what follows.
        case held
        /// A retry's time has not come.
        case backingOff
        /// Its answer is passed on.
        case committed
        /// Nothing follows any more.
        case ended
    }

    @usableFromInline package enum Event: UInt8, CaseIterable, Sendable {
        case begin
        // What choosing an endpoint and asking its pool led to.
        case refused
        case wait
        case room
        /// The endpoint's queue is full, or no connection can be made.
        case noConnection
        /// The endpoint has left its cluster.
        case endpointRemoved
        /// The connection did not take the request.
        case unsendable
        // What the answer says.
        /// It is to be passed on, or begins to be.
        case answer
        /// Its head says nothing yet, and another attempt may replace it.
        case headOpen
        /// The held head has waited long enough.
        case holdOver
        /// Another attempt takes its place.
        case replaced
        case backOff
        /// The attempt's own time is up.
        case timeUp
        case streamClosed
        /// The call needs it no longer.
        case cancelled
    }

    /// Performed in this order. `send` and `decide` stand alone behind what was given back: either may lead to the next event before it returns.
    @usableFromInline package struct Actions: OptionSet, Sendable {
        @usableFromInline package let rawValue: UInt16
        @inlinable package init(rawValue: UInt16) { self.rawValue = rawValue }
        /// Leave the endpoint's queue.
        @inlinable package static var withdraw: Actions { Actions(rawValue: 1) }
        /// Part from the stream.
        @inlinable package static var releaseStream: Actions { Actions(rawValue: 2) }
        /// It is no longer its endpoint's load.
        @inlinable package static var dropLoad: Actions { Actions(rawValue: 4) }
        /// Reset the stream that was released.
        @inlinable package static var resetStream: Actions { Actions(rawValue: 8) }
        /// Choose an endpoint and ask it for a connection.
        @inlinable package static var pick: Actions { Actions(rawValue: 16) }
        /// Send the request on the connection.
        @inlinable package static var send: Actions { Actions(rawValue: 32) }
        /// Nothing can replace it any more: other attempts end.
        @inlinable package static var commit: Actions { Actions(rawValue: 64) }
        /// Wait a moment for what follows the head.
        @inlinable package static var hold: Actions { Actions(rawValue: 128) }
        /// It has failed: decide what follows.
        @inlinable package static var decide: Actions { Actions(rawValue: 256) }
        /// The event cannot come in this state.
        @inlinable package static var unexpected: Actions { Actions(rawValue: 512) }

        @inlinable package static var givesBack: Actions { [.withdraw, .releaseStream, .dropLoad, .resetStream] }
    }

    @usableFromInline package internal(set) var state = State.idle

    @inlinable package init() {}

    /// Something of it is under way at an endpoint.
    @inlinable package var isLive: Bool {
        switch state {
        case .queued, .sent, .held, .committed: true
        case .idle, .picking, .backingOff, .ended: false
        }
    }

    @inlinable @inline(__always)
    package mutating func handle(_ event: Event) -> Actions {
        switch (event, state) {
        case (.begin, .idle), (.begin, .backingOff): return move(.picking, .pick)
        case (.room, .picking), (.room, .queued): return move(.sent, .send)
        case (.answer, .sent), (.answer, .held), (.holdOver, .held): return move(.committed, .commit)
        case (.streamClosed, .committed): return move(.ended, [.releaseStream, .dropLoad])
        case (.cancelled, .ended): return []
        default: return handleRare(event)
        }
    }

    @inline(never) @usableFromInline
    mutating func handleRare(_ event: Event) -> Actions {
        switch (event, state) {
        case (.wait, .picking): return move(.queued, [])
        // Nothing has been taken.
        case (.refused, .picking): return move(.idle, .decide)
        case (.noConnection, .picking), (.noConnection, .queued): return move(.idle, [.dropLoad, .decide])
        case (.endpointRemoved, .queued): return move(.picking, [.dropLoad, .pick])
        case (.unsendable, .sent): return move(.idle, [.dropLoad, .decide])
        case (.headOpen, .sent): return move(.held, .hold)
        case (.replaced, .sent), (.replaced, .held): return move(.idle, [.releaseStream, .dropLoad, .resetStream])
        case (.backOff, .idle): return move(.backingOff, [])
        case (.timeUp, .queued): return move(.idle, [.withdraw, .dropLoad, .decide])
        case (.timeUp, .sent), (.timeUp, .held): return move(.idle, [.releaseStream, .dropLoad, .resetStream, .decide])
        case (.streamClosed, .sent), (.streamClosed, .held): return move(.idle, [.releaseStream, .dropLoad, .decide])
        case (.cancelled, .idle), (.cancelled, .backingOff), (.cancelled, .picking): return move(.ended, [])
        case (.cancelled, .queued): return move(.ended, [.withdraw, .dropLoad])
        case (.cancelled, .sent), (.cancelled, .held), (.cancelled, .committed):
            return move(.ended, [.releaseStream, .dropLoad, .resetStream])
        default: return .unexpected
        }
    }

    @inlinable @inline(__always)
    mutating func move(_ state: State, _ actions: Actions) -> Actions {
        self.state = state
        return actions
    }
}

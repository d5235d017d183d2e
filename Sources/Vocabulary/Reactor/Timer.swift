package import Time

/// A timer for those who are not on the hot path: a closure, run once or again and again. Ends with its last reference.
package final class Timer {
    private let node: UnsafeMutablePointer<TimerNode>
    private unowned let loop: EventLoop
    /// Of its own: a timer may end after its loop, with something that the loop held.
    private let timers: TimerWheel
    private let body: Body

    private final class Body {
        let action: () -> Void
        init(_ action: @escaping () -> Void) { self.action = action }
    }

    /// `action` must not keep the timer's owner alive (capture it weakly or unowned).
    package init(on loop: EventLoop, action: @escaping () -> Void) {
        self.loop = loop
        timers = loop.timers
        body = Body(action)
        node = .allocate(capacity: 1)
        node.initialize(
            to: TimerNode(context: Unmanaged.passUnretained(body).toOpaque()) { context in
                guard let context else { return }
                // The action may end the timer itself: keep its body for the length of the call.
                let body = Unmanaged<Body>.fromOpaque(context).takeUnretainedValue()
                body.action()
            })
    }

    deinit {
        timers.disarm(node)
        node.deinitialize(count: 1)
        node.deallocate()
    }

    package var isArmed: Bool { node.pointee.isArmed }
    package func arm(after duration: Duration) { loop.timers.arm(node, at: loop.now + duration) }
    package func arm(at instant: Instant) { loop.timers.arm(node, at: instant) }
    package func disarm() { loop.timers.disarm(node) }
}

internal import Time

/// A timer that fires again and again, a period apart, until it is stopped or its last reference goes. Not for the hot path.
package final class RepeatingTimer {
    private let period: Duration
    private var timer: Timer?

    /// Fires first when a period is over.
    ///
    /// `action` must not keep the timer's owner alive (capture it weakly or unowned).
    package init(every period: Duration, on loop: EventLoop, action: @escaping () -> Void) {
        self.period = period
        timer = Timer(on: loop) { [unowned self] in
            // Before the action, which may stop the timer or end it.
            start()
            action()
        }
        start()
    }

    /// Once more, where it was stopped.
    ///
    /// - Parameter first: when it fires next, if not after a period.
    package func start(after first: Duration? = nil) { timer?.arm(after: first ?? period) }

    package func stop() { timer?.disarm() }
}

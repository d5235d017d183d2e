internal import Gateway
internal import Reactor
internal import Time
internal import Transport

/// Carries workers' hints that a key is unknown to the keeper, which lives on the control loop.
final class KeyHints: @unchecked Sendable {
    private let mailbox: Mailbox
    /// Touched on the control loop only.
    weak var keeper: KeySetKeeper?

    private static let period = Duration.seconds(1)

    init(mailbox: Mailbox) { self.mailbox = mailbox }

    /// Makes a worker hint; at most once a second, whatever tokens it is sent. On the worker's thread.
    func attach(to gateway: GatewayWorker, on loop: EventLoop) {
        var quietUntil = Instant(nanoseconds: 0)
        gateway.unknownKeySeen = { [self, unowned loop] in
            guard loop.now >= quietUntil else { return }
            quietUntil = loop.now + Self.period
            mailbox.post { [self] _ in keeper?.hint() }
        }
    }
}

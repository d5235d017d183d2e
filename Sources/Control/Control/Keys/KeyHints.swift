internal import Gateway
internal import Reactor
internal import Snapshots
internal import Time
internal import Transport

/// Carries workers' hints that a key is unknown to the refresher, which lives on the control loop.
final class KeyHints: @unchecked Sendable {
    private let mailbox: Mailbox
    /// Touched on the control loop only.
    weak var refresher: KeySetRefresher?

    private static let period = Duration.seconds(1)

    init(mailbox: Mailbox) { self.mailbox = mailbox }

    /// Makes a worker hint; at most once a second for each key set, whatever tokens it is sent. On the worker's thread.
    func attach(to gateway: GatewayWorker, on loop: EventLoop) {
        var quietUntil: [KeySetSource: Instant] = [:]
        gateway.unknownKeySeen = { [self, unowned loop] source in
            if let until = quietUntil[source], loop.now < until { return }
            // What is over goes, so that sources of former configurations do.
            quietUntil = quietUntil.filter { $0.value > loop.now }
            quietUntil[source] = loop.now + Self.period
            mailbox.post { [self] _ in refresher?.hint(source) }
        }
    }
}

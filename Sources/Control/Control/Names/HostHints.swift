internal import Reactor

/// Carries the names of hosts that workers have been told of to the control loop, where names are looked up.
final class HostHints: @unchecked Sendable {
    private let mailbox: Mailbox
    /// Touched on the control loop only.
    private weak var refresher: NameRefresher?

    init(mailbox: Mailbox, refresher: NameRefresher) {
        self.mailbox = mailbox
        self.refresher = refresher
    }

    /// From a worker's thread.
    func seen(_ name: String) { mailbox.post { [self] _ in refresher?.seek(host: name) } }
}

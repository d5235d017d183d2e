internal import Gateway
internal import Reactor
internal import Upstreams

/// Carries workers' hints that a schema may be out of date to the refresher, which lives on the control loop.
final class SchemaHints: @unchecked Sendable {
    private let mailbox: Mailbox
    /// Touched on the control loop only.
    weak var refresher: SchemaRefresher?

    init(mailbox: Mailbox) { self.mailbox = mailbox }

    /// On the worker's thread, which hints sparingly.
    func attach(to gateway: GatewayWorker) {
        gateway.schemaMissed = { [self] cluster in
            mailbox.post { [self] _ in refresher?.hint(cluster: cluster) }
        }
    }
}

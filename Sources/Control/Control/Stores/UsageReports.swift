internal import Filters
internal import Gateway
internal import QuotaService
internal import Reactor

/// Carries what workers have gathered of usage to the control loop.
final class UsageReports: @unchecked Sendable {
    private let mailbox: Mailbox
    /// Touched on the control loop only.
    private weak var manager: QuotaManager?

    init(_ manager: QuotaManager, mailbox: Mailbox) {
        self.manager = manager
        self.mailbox = mailbox
    }

    func attach(to gateway: GatewayWorker) {
        gateway.usage.gathered = { [self] entries, hour in
            mailbox.post { [self] _ in manager?.add(entries, hour: hour) }
        }
    }
}

internal import Filters
internal import Gateway
internal import QuotaService
internal import Quotas
internal import Reactor
internal import Synchronization

/// Carries what workers have gathered of usage to the control loop.
final class UsageReports: @unchecked Sendable {
    private let mailbox: Mailbox
    /// Told by workers, and not yet taken.
    private let waiting = Mutex<[Report]>([])
    /// Touched on the control loop only.
    private weak var manager: QuotaManager?

    private struct Report: Sendable {
        let entries: [UsageTable.Entry]
        let hour: Int64
    }

    init(_ manager: QuotaManager, mailbox: Mailbox) {
        self.manager = manager
        self.mailbox = mailbox
    }

    func attach(to gateway: GatewayWorker) {
        gateway.usage.gathered = { [self] entries, hour in
            waiting.withLock { $0.append(Report(entries: entries, hour: hour)) }
            mailbox.post { [self] _ in take() }
        }
    }

    /// On the control loop's thread, also once its mailbox takes nothing any more.
    func take() {
        let reports = waiting.withLock { waiting in
            defer { waiting.removeAll() }
            return waiting
        }
        for report in reports { manager?.add(report.entries, hour: report.hour) }
    }
}

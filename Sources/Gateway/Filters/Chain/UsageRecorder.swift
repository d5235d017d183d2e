internal import Calls
package import Quotas
internal import RateLimit
internal import Reactor
internal import Time

/// Sums up what tenants use of their limits, and how often these refuse them, and tells it every second, for as long as there is anything.
/// One per worker.
package final class UsageRecorder {
    /// Takes the sums, and the hour that they are of, in seconds.
    package var gathered: (([UsageTable.Entry], _ hour: Int64) -> Void)?
    private var table = UsageTable()
    private var hour: Int64 = 0
    /// In nanoseconds of wall time.
    private var hourEnd: UInt64 = 0
    private var timer: Timer?

    private static let interval = Duration.seconds(1)

    init(on loop: EventLoop) {
        timer = Timer(on: loop) { [unowned self] in gather() }
    }

    /// A call's hits count, whichever store has decided it.
    func admitted(_ request: LimitRequest, _ identity: VerifiedIdentity, _ wall: WallTime) {
        for index in 0..<request.count {
            if let (counter, hits) = request.usage(at: index), hits > 0 { add(request, index, counter, hits, 0, identity, wall) }
        }
    }

    func refused(_ request: LimitRequest, _ identity: VerifiedIdentity, _ wall: WallTime) {
        let index = request.outcome.refusedIndex
        guard index >= 0, let (counter, _) = request.usage(at: index) else { return }
        add(request, index, counter, 0, 1, identity, wall)
    }

    private func add(
        _ request: LimitRequest, _ index: Int, _ counter: CounterDigest, _ hits: UInt64, _ refusals: UInt64,
        _ identity: VerifiedIdentity, _ wall: WallTime
    ) {
        guard let tenant = identity.tenant else { return }
        if table.isFull || wall.nanoseconds >= hourEnd || table.isEmpty { begin(wall) }
        table.add(low: counter.low, high: counter.high, hits: hits, refusals: refusals) {
            (tenant, identity.issuer, request.limit(at: index).fullName)
        }
    }

    private func begin(_ wall: WallTime) {
        gather()
        hour = wall.seconds / 3600 * 3600
        hourEnd = UInt64(hour + 3600) * 1_000_000_000
        timer?.arm(after: Self.interval)
    }

    /// Tells what there is now.
    package func gather() {
        guard !table.isEmpty else { return }
        let entries = table.take()
        gathered?(entries, hour)
    }
}

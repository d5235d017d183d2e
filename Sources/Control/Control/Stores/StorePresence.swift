internal import RateLimit
internal import Reactor
internal import Redis

/// Has this process counted among those that share its store, and keeps how many live for the stores of its workers.
final class StorePresence {
    private let counters: CounterRegistry
    private let loop: EventLoop
    private var presence: RedisPresence?
    private var timer: RepeatingTimer?

    init(_ counters: CounterRegistry, on loop: EventLoop) {
        self.counters = counters
        self.loop = loop
    }

    /// In this store from now on; in none where nothing is shared.
    func use(_ sender: (any RedisSender)?, prefix: String, heartbeatTimeout: Duration) {
        counters.setProcessCount(1)
        presence = nil
        timer = nil
        guard let sender else { return }
        let presence = RedisPresence(sender, prefix: prefix, heartbeatTimeout: heartbeatTimeout) { [counters] in
            counters.setProcessCount($0)
        }
        self.presence = presence
        timer = RepeatingTimer(every: presence.interval, on: loop) { [unowned presence] in presence.tell() }
        // Once the connection is there.
        timer?.start(after: .milliseconds(100))
    }

    /// The process leaves.
    func leave() {
        timer?.stop()
        presence?.leave()
    }
}

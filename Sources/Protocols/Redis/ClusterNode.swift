internal import Time

/// One server of a cluster, and whether it is worth waiting for.
///
/// After five timeouts in a row no call waits for it; a PING each second sees whether it answers again.
final class ClusterNode: RedisReplyHandler {
    let endpoint: RedisEndpoint
    let client: RedisClient
    /// Among all servers that the cluster has had.
    let number: UInt32
    /// It is not there, or does not answer: perhaps its slots are another's by now.
    private(set) var isLost = false
    private var timeoutsInRow = 0
    private var nextProbe = Instant(nanoseconds: 0)
    private static let timeoutsInRowMax = 5
    private static let probeInterval = Duration.seconds(1)

    init(_ endpoint: RedisEndpoint, _ client: RedisClient, number: UInt32) {
        self.endpoint = endpoint
        self.number = number
        self.client = client
    }

    /// Whether calls may be sent to it.
    func isWorthwhile(now: Instant) -> Bool {
        guard timeoutsInRow >= Self.timeoutsInRowMax else { return true }
        if now >= nextProbe {
            nextProbe = now + Self.probeInterval
            let ping = RESPCommand()
            ping.add("PING")
            _ = client.send(ping, self, tag: 0, by: nil)
        }
        return false
    }

    func answered() {
        timeoutsInRow = 0
        isLost = false
    }

    func becameReady() { answered() }

    func connectionLost() { isLost = true }

    func timedOut(now: Instant) {
        timeoutsInRow += 1
        guard timeoutsInRow == Self.timeoutsInRowMax else { return }
        nextProbe = now + Self.probeInterval
        isLost = true
    }

    func redisReplied(_ reply: RedisReply, to tag: UInt) { answered() }
    func redisFailed(_ failure: RedisFailure, for tag: UInt) {}
}

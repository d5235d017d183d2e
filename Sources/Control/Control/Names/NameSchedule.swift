internal import DNS
internal import Random
internal import Time

/// When a name is looked up again: when its answer has lived its life, within bounds, and a little later, so that not all are
/// asked for at once; after failures sooner, then ever later. Pure.
struct NameSchedule {
    static let shortest = Duration.seconds(1)
    static let longest = Duration.seconds(300)
    /// After a failure, and for as long as there is no such name: one that is wanted will be there soon.
    static let longestWithout = Duration.seconds(30)
    private var backoff = ExponentialBackoff(from: shortest, to: longestWithout)

    mutating func next(after resolution: Resolution, using random: inout RandomGenerator) -> Duration {
        let time: Duration
        switch resolution {
        case .addresses(_, isComplete: true, let ttl), .services(_, let ttl):
            backoff.succeeded()
            time = min(max(ttl, Self.shortest), Self.longest)
        case .unknown(let ttl):
            backoff.succeeded()
            time = min(max(ttl, Self.shortest), Self.longestWithout)
        case .failed, .addresses:
            time = backoff.failed()
        }
        // Up to a tenth later.
        return time + time * Int.random(in: 0...100, using: &random) / 1000
    }
}

internal import Bytes
package import GatewayModel
package import HTTPModel
package import RateLimit

/// What limits are charged once a call is over, because its answer says what it has cost.
///
///     judged ──admitted──▶ answered ──over──▶ charged, whatever the level
///        └──refused or over──▶ given back uncharged
package final class ResponseCharge {
    /// Names the counters; a slot for each of `costs`.
    let request: LimitRequest
    /// Of the snapshot that the call runs on.
    let limiter: any LimitCharger
    private(set) var costs: [Cost] = []
    var isAdmitted = false
    /// Of the stage before.
    let earlier: ResponseCharge?

    struct Cost {
        let source: LimitConfiguration.ResponseCost
        var reading = Reading.missing

        var hits: UInt64 {
            switch reading {
            case .missing, .malformed: source.otherwise
            case .tooLarge: source.maximum
            case .said(let hits): hits
            }
        }
    }

    /// What the answer said last.
    enum Reading: Equatable {
        case missing
        case malformed
        case tooLarge
        case said(UInt64)
    }

    init(_ limiter: any LimitCharger, _ request: LimitRequest, after earlier: ResponseCharge?) {
        self.limiter = limiter
        self.request = request
        self.earlier = earlier
    }

    /// For the limit that the request has begun last.
    func add(_ source: LimitConfiguration.ResponseCost) { costs.append(Cost(source: source)) }

    /// Reads a field of the answer; true where it is a cost, which the caller does not get to see.
    func takes(_ field: Field) -> Bool {
        var isCost = earlier?.takes(field) ?? false
        for index in costs.indices {
            let source = costs[index].source
            guard source.header.withUnsafeBytes({ field.nameBytes.equals($0) }) else { continue }
            isCost = true
            if let number = field.number {
                costs[index].reading = number.exactly(in: 0...source.maximum).map { .said($0) } ?? .tooLarge
            } else {
                costs[index].reading = .malformed
            }
        }
        return isCost
    }
}

package import Bytes
package import Time

/// An endpoint as its balancer sees it, on one worker. Its owner keeps it in place for as long as a balancer has it.
package struct Member {
    /// Calls that run or wait there, of this worker.
    package var load = 0
    package var weight: UInt32
    /// 0 is used first.
    package var priority: Int
    /// Equal in every process for the same endpoint: its places on a ring follow from it.
    package let key: UInt64
    /// What health checks and outlier verdicts say; the balancer hears of a change by `refresh`.
    package var isHealthy = true
    /// Passed over until then, as long as there is another. Zero nearly always.
    package var avoidUntil = Instant(nanoseconds: 0)
    /// Admits no call, or only probes; zero nearly always. The endpoint's own, which outlives the member.
    package var breaker: Borrowed<ErrorBreaker>?
    /// Whose it is.
    package var owner: UnsafeMutableRawPointer?

    /// It gets calls: it is healthy, or its priority panics.
    var isCandidate = false
    /// It has been healthy before, or was there from the start.
    var isWarm = false
    /// When it came up, while that is less than the slow start's window ago; else zero.
    var cameUp = Instant(nanoseconds: 0)

    package init(weight: UInt32 = 1, priority: Int = 0, key: UInt64) {
        self.weight = max(1, weight)
        self.priority = priority
        self.key = key
    }

    /// Nothing speaks against a call now.
    @inline(__always)
    func isUsable(at now: Instant) -> Bool {
        avoidUntil.nanoseconds == 0 && breaker == nil || isUsableAfterAll(now)
    }

    private func isUsableAfterAll(_ now: Instant) -> Bool { avoidUntil <= now && isAdmitted(at: now) }

    /// Its breaker lets calls pass, or has a place for a probe.
    @inline(__always)
    func isAdmitted(at now: Instant) -> Bool {
        breaker.map { $0 { $0.wouldAdmit(at: now) } } ?? true
    }
}

package typealias MemberPointer = Record<Member>

/// What a balancer found.
package enum Pick {
    case member(MemberPointer)
    /// There is none, or none that is healthy.
    case noneHealthy
    /// Every one there is has an open breaker; the first lets a call pass after this time.
    case blocked(Duration)
}

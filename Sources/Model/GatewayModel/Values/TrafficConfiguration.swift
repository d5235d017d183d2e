package import GRPC

/// What a route does with calls besides sending them to a cluster: `clusters` and `sticky`, `mirror`, `fault`.
package struct TrafficConfiguration: Sendable, Equatable {
    /// Empty where the route names one cluster.
    package var split: [WeightedCluster] = []
    /// What calls that go the same way have in common; the first that a call has counts. Empty for a draw each time.
    package var sticky: [HashSource] = []
    package var mirror: MirrorConfiguration?
    package var fault: FaultConfiguration?

    package init() {}
}

/// One entry of a route's `clusters`.
package struct WeightedCluster: Sendable, Equatable {
    package var cluster: String
    package var weight: Int
}

/// A route's `mirror`: where copies of its calls go, and of how many.
package struct MirrorConfiguration: Sendable, Equatable {
    package var cluster: String
    package var fraction: Fraction
}

/// A route's `fault`: what goes wrong on purpose.
package struct FaultConfiguration: Sendable, Equatable {
    package var delay: Delay?
    package var abort: Abort?

    package struct Delay: Sendable, Equatable {
        /// The longest, where a header asks for it.
        package var duration: Duration
        package var fraction: Fraction
        /// It is a trusted peer's to ask for, by a header.
        package var isByHeader = false
    }

    package struct Abort: Sendable, Equatable {
        package var status: StatusCode
        /// For callers who do not speak gRPC.
        package var httpStatus: Int
        package var fraction: Fraction
        /// It is a trusted peer's to ask for, and to say the status of, by headers.
        package var isByHeader = false
    }

    package var isByHeader: Bool { delay?.isByHeader == true || abort?.isByHeader == true }
}

/// A share of calls, in millionths.
package struct Fraction: Sendable, Equatable {
    package var millionths: UInt32

    package static let all = Fraction(millionths: 1_000_000)
    package static let none = Fraction(millionths: 0)

    /// For a number that is even over all of 64 bits.
    package func takes(_ number: UInt64) -> Bool { number.multipliedFullWidth(by: 1_000_000).high < UInt64(millionths) }
}

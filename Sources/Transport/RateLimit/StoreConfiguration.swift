package import Config

/// The section `rate_limits`: where limits are counted, and what happens when that place does not answer.
package struct StoreConfiguration: Sendable, Equatable {
    package var store: StoreLocation
    /// The first part of every key in a shared store, and the `domain` that an RLS service is asked about.
    package var domain: String
    /// How long one decision may take.
    package var timeout: Duration
    package var whenUnavailable: WhenUnavailable
    /// How many counters this process keeps in memory above what each limit is guaranteed.
    package var counters: Int

    /// What a request meets while the store is slow or gone.
    package enum WhenUnavailable: String, CaseIterable, Sendable {
        case allow
        case deny
        /// Each process counts for itself.
        case local
    }

    package init(
        store: StoreLocation, domain: String = "martlet", timeout: Duration = .milliseconds(20),
        whenUnavailable: WhenUnavailable = .local, counters: Int = CounterRegistry.poolDefault
    ) {
        self.store = store
        self.domain = domain
        self.timeout = timeout
        self.whenUnavailable = whenUnavailable
        self.counters = counters
    }

    package static let defaults = StoreConfiguration(store: .memory)
}

/// Where counters live.
package enum StoreLocation: Sendable, Equatable {
    /// In this process.
    case memory
    case redis(RedisLocation)
    /// A service that speaks RLS v3.
    case service(NetworkAddress, tls: PeerTLS?)
}

package struct RedisLocation: Sendable, Equatable {
    package var address: NetworkAddress
    package var database: Int
    package var user: String?
    package var password: Secret?
    package var tls: PeerTLS?

    package init(
        address: NetworkAddress, database: Int = 0, user: String? = nil, password: Secret? = nil, tls: PeerTLS? = nil
    ) {
        self.address = address
        self.database = database
        self.user = user
        self.password = password
        self.tls = tls
    }
}

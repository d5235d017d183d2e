/// Why an exchange ended as it did, in the short names of Envoy's access log, and four of our own.
@usableFromInline package struct ResponseFlags: OptionSet, Hashable, Sendable {
    @usableFromInline package let rawValue: UInt32
    @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable package static var noHealthyUpstream: Self { Self(rawValue: 1 << 0) }
    @inlinable package static var upstreamTimeout: Self { Self(rawValue: 1 << 1) }
    @inlinable package static var localReset: Self { Self(rawValue: 1 << 2) }
    @inlinable package static var upstreamReset: Self { Self(rawValue: 1 << 3) }
    @inlinable package static var upstreamConnectFailure: Self { Self(rawValue: 1 << 4) }
    @inlinable package static var upstreamConnectionEnded: Self { Self(rawValue: 1 << 5) }
    @inlinable package static var upstreamOverflow: Self { Self(rawValue: 1 << 6) }
    @inlinable package static var noRoute: Self { Self(rawValue: 1 << 7) }
    @inlinable package static var rateLimited: Self { Self(rawValue: 1 << 8) }
    @inlinable package static var rateLimitServiceError: Self { Self(rawValue: 1 << 9) }
    @inlinable package static var downstreamEnded: Self { Self(rawValue: 1 << 10) }
    @inlinable package static var retriesExhausted: Self { Self(rawValue: 1 << 11) }
    @inlinable package static var streamIdle: Self { Self(rawValue: 1 << 12) }
    @inlinable package static var downstreamProtocolError: Self { Self(rawValue: 1 << 13) }
    @inlinable package static var upstreamProtocolError: Self { Self(rawValue: 1 << 14) }
    @inlinable package static var durationTimeout: Self { Self(rawValue: 1 << 15) }
    @inlinable package static var noCluster: Self { Self(rawValue: 1 << 16) }
    @inlinable package static var overload: Self { Self(rawValue: 1 << 17) }
    @inlinable package static var notAuthenticated: Self { Self(rawValue: 1 << 18) }
    @inlinable package static var notAuthorized: Self { Self(rawValue: 1 << 19) }
    @inlinable package static var quotaExceeded: Self { Self(rawValue: 1 << 20) }
    @inlinable package static var transcodingFailed: Self { Self(rawValue: 1 << 21) }

    package static let names: [StaticString] = [
        "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "RL", "RLSE", "DC", "URX", "SI", "DPE", "UPE", "DT", "NC", "OM",
        "JA", "AZ", "QE", "TR",
    ]
}

/// Why an exchange ended as it did, in the short names of Envoy's access log, and four of our own.
package struct ResponseFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static var noHealthyUpstream: Self { Self(rawValue: 1 << 0) }
    package static var upstreamTimeout: Self { Self(rawValue: 1 << 1) }
    package static var localReset: Self { Self(rawValue: 1 << 2) }
    package static var upstreamReset: Self { Self(rawValue: 1 << 3) }
    package static var upstreamConnectFailure: Self { Self(rawValue: 1 << 4) }
    package static var upstreamConnectionEnded: Self { Self(rawValue: 1 << 5) }
    package static var upstreamOverflow: Self { Self(rawValue: 1 << 6) }
    package static var noRoute: Self { Self(rawValue: 1 << 7) }
    package static var rateLimited: Self { Self(rawValue: 1 << 8) }
    package static var rateLimitServiceError: Self { Self(rawValue: 1 << 9) }
    package static var downstreamEnded: Self { Self(rawValue: 1 << 10) }
    package static var retriesExhausted: Self { Self(rawValue: 1 << 11) }
    package static var streamIdle: Self { Self(rawValue: 1 << 12) }
    package static var downstreamProtocolError: Self { Self(rawValue: 1 << 13) }
    package static var upstreamProtocolError: Self { Self(rawValue: 1 << 14) }
    package static var durationTimeout: Self { Self(rawValue: 1 << 15) }
    package static var noCluster: Self { Self(rawValue: 1 << 16) }
    package static var overload: Self { Self(rawValue: 1 << 17) }
    package static var notAuthenticated: Self { Self(rawValue: 1 << 18) }
    package static var notAuthorized: Self { Self(rawValue: 1 << 19) }
    package static var quotaExceeded: Self { Self(rawValue: 1 << 20) }
    package static var transcodingFailed: Self { Self(rawValue: 1 << 21) }

    package static let names: [StaticString] = [
        "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "RL", "RLSE", "DC", "URX", "SI", "DPE", "UPE", "DT", "NC", "OM",
        "JA", "AZ", "QE", "TR",
    ]
}

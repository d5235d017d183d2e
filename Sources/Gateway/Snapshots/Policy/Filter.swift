/// A stage of a call, in the one order in which calls go through them. The set is closed: a list of filters is a word, and running one is a
/// switch.
///
/// Each filter protects those behind it:
/// - `cors` is first, so that a page can read every later refusal;
/// - protocol and load are checked before anything is known of the caller;
/// - the converter comes before every filter that may suspend, because what resolving has bound (`Resolver.match`) is the worker's, and
///   good until its next head; those behind it see a head in gRPC;
/// - compression looks at credentials, which authentication removes, and on the way back at heads that header changes have been made to;
/// - early limits come before authentication, because verifying a token costs a signature;
/// - authentication and authorization come before limits, so that a refused call costs its tenant nothing;
/// - injected faults come where a cluster would fail;
/// - header changes come last, so that nothing is judged by them, but before direct answers, which carry the route's headers too.
@usableFromInline package enum Filter: UInt8, CaseIterable, Sendable {
    case cors
    case protocols
    case admission
    case converter
    case compression
    case deadline
    case earlyLimits
    case authentication
    case authorization
    case servable
    case limits
    case conversionFailure
    case traffic
    case headers
    case directAnswer

    /// As `martlet check --pipeline` names it.
    package var name: String {
        switch self {
        case .cors: "cors"
        case .protocols: "protocols"
        case .admission: "admission"
        case .converter: "converter"
        case .compression: "compression"
        case .deadline: "deadline"
        case .earlyLimits: "limits before authentication"
        case .authentication: "authentication"
        case .authorization: "authorization"
        case .servable: "servable"
        case .limits: "limits"
        case .conversionFailure: "conversion failure"
        case .traffic: "faults, splits and mirror"
        case .headers: "rewrite and header changes"
        case .directAnswer: "direct answer"
        }
    }
}

/// Filters, in their order.
@usableFromInline package struct FilterList: OptionSet, Sendable {
    @usableFromInline package var rawValue: UInt32

    @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable package init(_ filter: Filter) { rawValue = 1 << UInt32(filter.rawValue) }

    /// For tests and the pipeline that `check` prints.
    package var filters: [Filter] { Filter.allCases.filter { contains(FilterList($0)) } }

    @inlinable @inline(__always)
    package mutating func insert(_ filter: Filter) { rawValue |= FilterList(filter).rawValue }

    @inlinable @inline(__always)
    package mutating func remove(_ filter: Filter) { rawValue &= ~FilterList(filter).rawValue }

    @inlinable @inline(__always)
    package func contains(_ filter: Filter) -> Bool { rawValue & FilterList(filter).rawValue != 0 }

    /// The next one; `nil` where none is left.
    @inlinable @inline(__always)
    package mutating func popFirst() -> Filter? {
        guard rawValue != 0 else { return nil }
        let index = rawValue.trailingZeroBitCount
        rawValue &= rawValue - 1
        return Filter(rawValue: UInt8(index))
    }

    /// The last one, for the way back.
    package mutating func popLast() -> Filter? {
        guard rawValue != 0 else { return nil }
        let index = RawValue.bitWidth - 1 - rawValue.leadingZeroBitCount
        rawValue &= ~(1 << UInt32(index))
        return Filter(rawValue: UInt8(index))
    }
}

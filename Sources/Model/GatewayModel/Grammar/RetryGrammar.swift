internal import Balancing
internal import Config
internal import GRPC
internal import HTTPModel

extension AttemptsConfiguration {
    /// - Parameter isMethod: hedging is for methods, each of which is known to be the same done twice.
    init(in section: Section, isMethod: Bool) {
        retry = section.optional("retry", .retrySetting)
        maxStreamDuration = section.optional("max_stream_duration", .callTimeout(orElse: "leave it out for none"))
        isIdempotent = section.optional("idempotent", .boolean)
        guard isMethod else { return }
        hedging = section.optional("hedging", .hedging)
        if section.has("hedging") {
            if isIdempotent != true {
                section.report(
                    "found hedging of a method that is not said to be the same done twice, expected idempotent: true beside it",
                    about: "hedging")
            }
            section.exclude("hedging", with: "retry")
        }
    }
}

extension Grammar where Value == RetrySetting {
    fileprivate static var retrySetting: Grammar {
        Grammar<RetryPolicy?>.word("off", or: .retry).map { $0.map { .on($0) } ?? .off }
    }
}

extension Grammar where Value == RetryPolicy {
    static var retry: Grammar {
        .section(expected: "a mapping, {} for the usual numbers") { section in
            let perTryTimeout = section.optional("per_try_timeout", .callTimeout(orElse: "leave it out for none"))
            let words = section.optional("on", Grammar<[RetryWord]>.list(of: .retryWord))
            var conditions = RetryConditions()
            for word in words ?? RetryWord.usual { word.add(to: &conditions) }
            if words == nil, perTryTimeout != nil { conditions.insert(.perTryTimeout) }
            if words != nil, section.has("per_try_timeout") != conditions.contains(.perTryTimeout) {
                section.report(
                    section.has("per_try_timeout")
                        ? "found per_try_timeout, expected it in the list too: else it ends the call"
                        : "found per_try_timeout in the list, expected it beside the list too: how long a try may take",
                    about: "on")
            }
            var policy = RetryPolicy(
                conditions: conditions, attempts: section.value("attempts", .attempts, default: 2),
                backoff: section.value("backoff", .backoff, default: .defaults), perTryTimeout: perTryTimeout)
            policy.repeatsAnything = section.value("non_idempotent", .boolean, default: false)
            policy.httpMethods = section.optional("http_methods", Grammar<[HTTPMethod]>.list(of: .retriedMethod))
            if !policy.repeatsAnything, let method = policy.httpMethods?.first(where: { !$0.isIdempotent }) {
                section.report(
                    "found \(method.name), expected one of GET, HEAD, OPTIONS, TRACE, PUT and DELETE, or non_idempotent: true beside it: "
                        + "the upstream may have executed the request already",
                    about: "http_methods")
            }
            return policy
        }
    }
}

extension Grammar where Value == HTTPMethod {
    fileprivate static var retriedMethod: Grammar {
        let names = HTTPMethod.named.map(\.name)
        return Grammar(expected: "one of \(names.joined(separator: ", "))") { (text: String) in
            if let method = HTTPMethod.named.first(where: { $0.name == text }) { return .value(method) }
            return .mismatch(hint: Spelling.hint(for: text, among: names))
        }
    }
}

extension Grammar where Value == HedgingPolicy {
    fileprivate static var hedging: Grammar {
        .section(expected: "a mapping, {} for the usual numbers") { section in
            var nonFatal = RetryConditions()
            let statuses = section.value(
                "non_fatal", Grammar<[StatusCode]>.list(of: .status, isEmptyAllowed: true), default: [.unavailable])
            for status in statuses { nonFatal.insert(status) }
            return HedgingPolicy(
                attempts: section.value("attempts", .attempts, default: 2),
                delay: section.value("delay", .duration(.zero ... .seconds(3600)), default: .milliseconds(100)),
                nonFatal: nonFatal)
        }
    }
}

extension Grammar where Value == Int {
    fileprivate static var attempts: Grammar { count(2...10).expecting("a whole number from 2 to 10: the first try counts") }
}

extension Grammar where Value == Backoff {
    fileprivate static var backoff: Grammar {
        .section { section in
            let usual = Backoff.defaults
            let base = section.value("base", .timeout, default: usual.base)
            let max = section.value("max", .timeout, default: max(usual.max, base))
            if base > max {
                section.report(
                    "found \(DurationText.text(max)), expected at least base, \(DurationText.text(base))", about: "max")
            }
            return Backoff(base: base, max: max)
        }
    }
}

extension Grammar where Value == RetryBudget {
    /// A cluster's `retry_budget` and `hedge_budget`.
    static var budget: Grammar {
        .section(expected: "a mapping with percent or minimum") { section in
            let usual = RetryBudget.defaults
            return RetryBudget(
                percent: section.value("percent", .percent, default: usual.percent),
                countMin: section.value("minimum", .count(0...1_000_000), default: usual.countMin))
        }
    }
}

extension Grammar where Value == RetryWord {
    fileprivate static var retryWord: Grammar {
        let names = StatusWord.all.map(\.name) + RetryWord.causes.map(\.name) + ["5xx"]
        let expected =
            "a gRPC status such as unavailable, connect_failure, reset, refused_stream, per_try_timeout, 5xx or an HTTP status"
        return Grammar(expected: expected) { (text: String) in
            if text == "5xx" { return .value(.http(500...599)) }
            if let number = Number.count(text), (400...599).contains(number) { return .value(.http(number...number)) }
            if let status = StatusWord.all.first(where: { $0.name == text }) { return .value(.status(status.status)) }
            if let cause = RetryWord.causes.first(where: { $0.name == text }) { return .value(.cause(cause.cause)) }
            return .mismatch(hint: Spelling.hint(for: text, among: names))
        }
    }
}

extension Grammar where Value == StatusCode {
    static var status: Grammar {
        Grammar(expected: "a gRPC status such as unavailable") { (text: String) in
            if let status = StatusWord.all.first(where: { $0.name == text }) { return .value(status.status) }
            return .mismatch(hint: Spelling.hint(for: text, among: StatusWord.all.map(\.name)))
        }
    }
}

/// One entry of a retry's `on`.
private enum RetryWord: Equatable {
    case status(StatusCode)
    case http(ClosedRange<Int>)
    case cause(RetryConditions.Causes)

    /// What is safe for any method, as far as a status can be.
    static let usual: [RetryWord] = [.status(.unavailable), .cause(.connectFailure), .cause(.refusedStream)]

    static let causes: [(name: String, cause: RetryConditions.Causes)] = [
        ("connect_failure", .connectFailure), ("reset", .reset), ("refused_stream", .refusedStream),
        ("per_try_timeout", .perTryTimeout),
    ]

    func add(to conditions: inout RetryConditions) {
        switch self {
        case .status(let status): conditions.insert(status)
        case .http(let statuses): for status in statuses { conditions.insert(httpStatus: status) }
        case .cause(let cause): conditions.insert(cause)
        }
    }
}

/// gRPC's statuses as configurations write them; OK is not among them.
private enum StatusWord {
    static let all = StatusCode.allCases.filter { $0 != .ok }.map { (name: $0.name.description.lowercased(), status: $0) }
}

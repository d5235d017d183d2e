/// One decision not to serve a call: why, and the configured rule behind it.
package struct Refusal: Sendable {
    package let cause: RefusalCause
    /// The rule or limit that decided, for the log; `nil` where none did.
    package let rule: String?
    /// Whether the caller may learn the rule's name (`expose: true`).
    package let exposesRule: Bool

    package init(_ cause: RefusalCause, rule: String? = nil, exposesRule: Bool = false) {
        self.cause = cause
        self.rule = rule
        self.exposesRule = exposesRule
    }

    package var row: RefusalRow { cause.row }

    /// The HTTP status that a caller sees. Connect's unary calls go by its table, but for what HTTP itself has a word for.
    package func httpStatus(to caller: ClientProtocol) -> Int {
        if caller.answersWith200 { return 200 }
        guard caller == .connectUnary else { return row.httpStatus }
        switch row.httpStatus {
        case 405, 413, 415, 431: return row.httpStatus
        default: return row.code.httpStatus
        }
    }
}

/// Where one limit stands for this caller, as headers and details tell it.
package struct LimitState: Sendable {
    /// The limit's name; told only where `exposesName`, otherwise its place in the list stands for it.
    package var name: String
    package var exposesName: Bool
    /// The most calls at once.
    package var count: UInt64
    /// How many calls a window allows, or how many in flight: the same but for a burst that comes back within the window.
    package var quota: UInt64
    /// `nil` for calls in flight.
    package var windowSeconds: UInt64?
    package var remaining: UInt64
    /// Until the window starts again or, for GCRA, until the bucket is full; rounded up.
    package var resetSeconds: UInt64
    /// Whether this limit refused the call.
    package var isExceeded: Bool
    /// Whether it is used as far as it warns at.
    package var isNear: Bool

    package init(
        name: String, exposesName: Bool = false, count: UInt64, quota: UInt64? = nil, windowSeconds: UInt64?,
        remaining: UInt64, resetSeconds: UInt64, isExceeded: Bool = false, isNear: Bool = false
    ) {
        self.name = name
        self.exposesName = exposesName
        self.count = count
        self.quota = quota ?? count
        self.windowSeconds = windowSeconds
        self.remaining = remaining
        self.resetSeconds = resetSeconds
        self.isExceeded = isExceeded
        self.isNear = isNear
    }

    /// How much of it is used, rounded down.
    var usedPercent: UInt64 {
        guard count > 0, remaining <= count else { return 0 }
        return count.dividingFullWidth((count - remaining).multipliedFullWidth(by: 100)).quotient
    }
}

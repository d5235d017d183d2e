internal import Config

/// Holds what is said of a call's attempts against the call's own time.
struct RetryChecks {
    private let reader: Reader

    init(_ section: Section) { reader = section.reader }

    func check(_ route: RouteConfiguration) {
        check(route.attempts.retry, timeout: route.timeout)
        for method in route.methods {
            let timeout = method.timeout ?? route.timeout
            check(method.attempts.retry, timeout: timeout)
            guard let hedging = method.attempts.hedging, let timeout, hedging.value.delay >= timeout else { continue }
            reader.report(
                "found a delay of \(DurationText.text(hedging.value.delay)), expected less than the call's timeout, "
                    + "\(DurationText.text(timeout)): no hedge would begin",
                at: hedging.place)
        }
    }

    private func check(_ retry: Located<RetryPolicy?>?, timeout: Duration?) {
        guard let retry, let tryTimeout = retry.value?.perTryTimeout, let timeout, tryTimeout >= timeout else { return }
        reader.report(
            "found a per_try_timeout of \(DurationText.text(tryTimeout)), expected less than the call's timeout, "
                + "\(DurationText.text(timeout)): it would never end a try",
            at: retry.place)
    }
}

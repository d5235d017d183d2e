/// The requests of one worker: as many as it ever had waiting at a time.
package final class LimitRequestPool {
    private var free: [LimitRequest] = []
    private let keepsValues: Bool

    /// - Parameter keepsValues: the store's `needsValues`.
    package init(keepsValues: Bool) { self.keepsValues = keepsValues }

    /// Reset it before use.
    package func take() -> LimitRequest { free.popLast() ?? LimitRequest(keepsValues: keepsValues) }

    /// Not while it is pending.
    package func give(_ request: LimitRequest) { free.append(request) }
}

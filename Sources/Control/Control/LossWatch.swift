/// Whether something is being lost: asked once a second with a total that only grows.
///
///     well ──the total grew, or it is broken──▶ losing ──`quietLooks` looks without either──▶ well
///
/// The beginning and the end are news, and no look between: a disk that is full for a night is two lines. Pure.
struct LossWatch {
    enum News: Equatable {
        case began
        /// How much was lost in all since it began.
        case ended(lost: UInt64)
    }

    static let quietLooks = 3

    private var total: UInt64 = 0
    private var totalBefore: UInt64 = 0
    private var looksLeft = 0

    /// - Parameter isBroken: the last attempt failed, and none has succeeded since.
    mutating func look(total: UInt64, isBroken: Bool) -> News? {
        let isLosing = total != self.total || isBroken
        defer { self.total = total }
        if isLosing {
            defer { looksLeft = Self.quietLooks }
            guard looksLeft == 0 else { return nil }
            totalBefore = self.total
            return .began
        }
        guard looksLeft > 0 else { return nil }
        looksLeft -= 1
        return looksLeft == 0 ? .ended(lost: total &- totalBefore) : nil
    }
}

extension Duration {
    /// Up to a tenth more or less, so that what began together does not end together.
    ///
    /// - Parameter random: even over all of 64 bits.
    package func jittered(_ random: UInt64) -> Duration {
        let whole = UInt64(clamping: nanoseconds)
        let spread = random.multipliedFullWidth(by: whole / 5 + 1).high
        return .nanoseconds(Int64(clamping: whole - whole / 10 + spread))
    }

    /// By up to a half, so that what failed together does not come back together.
    ///
    /// - Parameter random: even over all of 64 bits.
    package func shortened(_ random: UInt64) -> Duration {
        let whole = UInt64(clamping: nanoseconds)
        return .nanoseconds(Int64(clamping: whole - random.multipliedFullWidth(by: whole / 2 + 1).high))
    }

    /// By up to a quarter, likewise.
    package func lengthened(_ random: UInt64) -> Duration {
        let whole = UInt64(clamping: nanoseconds)
        return .nanoseconds(Int64(clamping: whole + random.multipliedFullWidth(by: whole / 4 + 1).high))
    }
}

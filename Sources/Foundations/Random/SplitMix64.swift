/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): spreads the bits of numbers that have a pattern.
package enum SplitMix64 {
    /// 2⁶⁴ divided by the golden ratio, odd: its multiples are far apart.
    package static let increment: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// Another number for every number.
    package static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

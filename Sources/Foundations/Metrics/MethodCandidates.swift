/// Which of the methods without a series are frequent: a table of a fixed size, in which methods of one place vote (Boyer–Moore). A
/// call counts its method up where it holds the place, and down where another does, which gives the place away at zero.
///
/// Counts are per worker. A method that comes `frequentMin` times is frequent, and is counted anew from then on.
struct MethodCandidates {
    static let frequentMin: UInt8 = 10
    private static let places = 512

    private struct Place {
        var hash: UInt64 = 0
        var count: UInt8 = 0
    }

    private var table: [Place] = []

    /// Counts one call; true where it is the one that makes the method frequent.
    mutating func isFrequent(_ hash: UInt64) -> Bool {
        if table.isEmpty { table = Array(repeating: Place(), count: Self.places) }
        let index = Int(truncatingIfNeeded: hash >> 32) & (Self.places - 1)
        if table[index].count == 0 {
            table[index] = Place(hash: hash, count: 1)
        } else if table[index].hash != hash {
            table[index].count -= 1
        } else {
            table[index].count += 1
            guard table[index].count >= Self.frequentMin else { return false }
            table[index].count = 0
            return true
        }
        return false
    }
}

/// What a worker has admitted and refused since it last told, by counter: a call adds to a number that it finds by the digest it has anyway.
///
/// As many counters as `entriesMax`; then it is full, and to be taken at once. Owned by one worker.
package struct UsageTable: ~Copyable {
    /// Sums of one counter.
    package struct Entry: Sendable {
        fileprivate var low: UInt64
        fileprivate var high: UInt64
        package var tenant: [UInt8]
        package var issuer: [UInt8]
        package var limit: String
        package var hits: UInt64 = 0
        package var refusals: UInt64 = 0
    }

    package static let entriesMax = 2048
    private static let placesMax = 4096
    private var entries: [Entry] = []
    /// Into `entries`, counted from 1; 0 for none.
    private let places = UnsafeMutablePointer<UInt16>.allocate(capacity: UsageTable.placesMax)

    package init() { places.initialize(repeating: 0, count: Self.placesMax) }

    deinit { places.deallocate() }

    package var isEmpty: Bool { entries.isEmpty }
    package var isFull: Bool { entries.count == Self.entriesMax }

    /// - Parameter names: of a counter that is not here yet. There is room.
    @inline(__always)
    package mutating func add(
        low: UInt64, high: UInt64, hits: UInt64, refusals: UInt64, names: () -> (tenant: [UInt8], issuer: [UInt8], limit: String)
    ) {
        var place = Int(truncatingIfNeeded: low) & (Self.placesMax - 1)
        while places[place] != 0 {
            let index = Int(places[place]) - 1
            if entries[index].low == low, entries[index].high == high {
                entries[index].hits &+= hits
                entries[index].refusals &+= refusals
                return
            }
            place = (place + 1) & (Self.placesMax - 1)
        }
        precondition(!isFull, "a full table of usage")
        let (tenant, issuer, limit) = names()
        entries.append(
            Entry(low: low, high: high, tenant: tenant, issuer: issuer, limit: limit, hits: hits, refusals: refusals))
        places[place] = UInt16(truncatingIfNeeded: entries.count)
    }

    /// All sums; it is empty then.
    package mutating func take() -> [Entry] {
        places.update(repeating: 0, count: Self.placesMax)
        let taken = entries
        entries = []
        return taken
    }
}

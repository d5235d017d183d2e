/// A time zone's offsets from UTC, as the system's tzdata has them (TZif, RFC 9636), and until the year 2100 by the rule at the file's end.
///
/// Plain arithmetic on seconds since 1970-01-01T00:00Z once it is made.
package final class ZoneOffsets: Sendable {
    /// A larger file is none of tzdata's.
    package static let bytesMax = 1 << 20
    private static let lastYear = 2100

    /// Seconds east of UTC, each from its moment on; the first from the beginning.
    private let changes: [(from: Int64, offset: Int64)]

    /// `nil` for bytes that are no TZif file of version 2 or later.
    package init?(tzif bytes: [UInt8]) {
        guard bytes.count <= Self.bytesMax, let first = Header(bytes, at: 0), first.version >= UInt8(ascii: "2"),
            let header = Header(bytes, at: first.dataStart + first.dataBytes(timeBytes: 4)),
            header.dataStart + header.dataBytes(timeBytes: 8) <= bytes.count, header.types > 0
        else { return nil }
        let times = header.dataStart
        let indexes = times + header.times * 8
        let types = indexes + header.times
        var offsets: [Int64] = []
        for type in 0..<header.types {
            let offset = Int64(Int32(truncatingIfNeeded: Self.number(bytes, at: types + type * 6, 4)))
            guard abs(offset) <= 26 * 3600 else { return nil }
            offsets.append(offset)
        }
        var changes: [(from: Int64, offset: Int64)] = [(.min, offsets[0])]
        for index in 0..<header.times {
            let from = Int64(truncatingIfNeeded: Self.number(bytes, at: times + index * 8, 8))
            let type = Int(bytes[indexes + index])
            guard type < offsets.count, from > changes[changes.count - 1].from || index == 0 else { return nil }
            changes.append((from, offsets[type]))
        }
        guard let rule = Self.rule(bytes[(header.dataStart + header.dataBytes(timeBytes: 8))...]) else { return nil }
        // Of a zone that never changed its offset the rule is the whole truth.
        if header.times == 0 { changes[0].offset = rule.standard }
        let last = header.times > 0 ? changes[changes.count - 1].from : 0
        for year in 1970...Self.lastYear { changes += rule.changes(in: year).filter { $0.from > last } }
        self.changes = changes
    }

    /// What stands between the last two line ends.
    private static func rule(_ footer: ArraySlice<UInt8>) -> ZoneRule? {
        guard footer.first == 0x0a, footer.last == 0x0a, footer.count >= 2 else { return nil }
        return ZoneRule(parsing: String(decoding: footer.dropFirst().dropLast(), as: UTF8.self))
    }

    /// Big-endian; within the file, as the header's counts have been checked.
    fileprivate static func number(_ bytes: [UInt8], at start: Int, _ count: Int) -> UInt64 {
        bytes[start..<start + count].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Seconds east of UTC.
    package func offset(at second: Int64) -> Int64 { changes[index(at: second)].offset }

    private func index(at second: Int64) -> Int {
        var (low, high) = (0, changes.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if changes[middle].from <= second { low = middle } else { high = middle }
        }
        return low
    }

    /// When the zone's clocks first show a local time, in seconds as if it were UTC; where they skip it, the moment at which they do.
    package func second(ofLocal local: Int64) -> Int64 {
        let (early, late) = (offset(at: local - 86_400), offset(at: local + 86_400))
        if early == late || offset(at: local - early) == early { return local - early }
        return offset(at: local - late) == late ? local - late : changes[index(at: local - early)].from
    }
}

/// Of a block of a TZif file: its version and counts.
private struct Header {
    let version: UInt8
    let dataStart: Int
    let times: Int
    let types: Int
    private let others: (utc: Int, standard: Int, leaps: Int, characters: Int)

    init?(_ bytes: [UInt8], at start: Int) {
        guard start <= bytes.count - 44, bytes[start..<start + 4].elementsEqual("TZif".utf8) else { return nil }
        // Counts have 32 bits, and a file a megabyte: no sum of them overflows.
        func count(_ index: Int) -> Int { Int(ZoneOffsets.number(bytes, at: start + 20 + 4 * index, 4)) }
        version = bytes[start + 4]
        dataStart = start + 44
        others = (count(0), count(1), count(2), count(5))
        times = count(3)
        types = count(4)
    }

    func dataBytes(timeBytes: Int) -> Int {
        times * (timeBytes + 1) + types * 6 + others.characters + others.leaps * (timeBytes + 4) + others.standard + others.utc
    }
}

import Testing

@testable import Time

@Suite struct ZoneOffsetsTests {
    /// A TZif file of version 2 as RFC 9636 draws it; its first block is empty but for one type.
    private func file(_ changes: [(at: Int64, type: UInt8)] = [], offsets: [Int32] = [0], footer: String = "UTC0") -> [UInt8] {
        func number(_ value: Int64, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * Int64(count - 1 - $0))) }
        }
        func header(_ times: Int, _ types: Int) -> [UInt8] {
            Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15) + [0, 0, 0, times, types, 1].flatMap { number(Int64($0), 4) }
        }
        func types(_ offsets: [Int32]) -> [UInt8] { offsets.flatMap { number(Int64($0), 4) + [0, 0] } }
        return header(0, 1) + types([0]) + [0] + header(changes.count, offsets.count) + changes.flatMap { number($0.at, 8) }
            + changes.map(\.type) + types(offsets) + [0] + Array("\n\(footer)\n".utf8)
    }

    /// "2027-03-14T06:59:59" in seconds since 1970.
    private func second(_ text: String) -> Int64 {
        let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
        let day = CivilDate.dayNumber(numbers[0], numbers[1], numbers[2])
        return Int64(day * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5])
    }

    @Test(
        "the rule at the end of a file goes on until 2100",
        arguments: [
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59", 3600),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00", 7200),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:59", 7200),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00", 3600),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2096-07-01T00:00:00", 7200),
            ("EST5EDT,M3.2.0,M11.1.0", "2027-03-14T06:59:59", -18_000), ("EST5EDT,M3.2.0,M11.1.0", "2027-03-14T07:00:00", -14_400),
            ("EST5EDT,M3.2.0,M11.1.0", "2027-11-07T05:59:59", -14_400), ("EST5EDT,M3.2.0,M11.1.0", "2027-11-07T06:00:00", -18_000),
            // Half an hour of daylight saving, over the turn of the year; a name of digits; days without months.
            ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2027-01-01T00:00:00", 39_600),
            ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2027-07-01T00:00:00", 37_800),
            ("<+0545>-5:45", "2050-01-01T00:00:00", 20_700), ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2027-03-28T01:00:00", -3600),
            ("XXX3YYY2,J60/0,J300/0", "2028-03-01T02:59:59", -10_800), ("XXX3YYY2,J60/0,J300/0", "2028-03-01T03:00:00", -7200),
            ("XXX3YYY2,59/0,300/0", "2028-02-29T03:00:00", -7200),
        ])
    func rules(footer: String, at: String, offset: Int64) throws {
        let zone = try #require(ZoneOffsets(tzif: file(footer: footer)))
        #expect(zone.offset(at: second(at)) == offset)
    }

    @Test("changes of the past come from the file, and the rule begins behind the last")
    func past() throws {
        let zone = try #require(
            ZoneOffsets(
                tzif: file(
                    [(second("1990-01-01T00:00:00"), 1), (second("2030-06-01T00:00:00"), 2)], offsets: [-36_000, 50_400, 0],
                    footer: "CET-1CEST,M3.5.0,M10.5.0/3")))
        for (at, offset): (String, Int64) in [
            ("1980-01-01T00:00:00", -36_000), ("1990-01-01T00:00:00", 50_400), ("2029-07-01T00:00:00", 50_400),
            ("2030-07-01T00:00:00", 0), ("2030-12-01T00:00:00", 3600),
        ] {
            #expect(zone.offset(at: second(at)) == offset, "\(at)")
        }
    }

    @Test("a local time that comes twice is the first, and one that is skipped is the moment at which it is")
    func local() throws {
        let zone = try #require(ZoneOffsets(tzif: file(footer: "CET-1CEST,M3.5.0,M10.5.0/3")))
        for (local, at) in [
            ("2026-07-01T12:00:00", "2026-07-01T10:00:00"), ("2026-12-01T12:00:00", "2026-12-01T11:00:00"),
            ("2026-03-29T01:59:59", "2026-03-29T00:59:59"), ("2026-03-29T02:30:00", "2026-03-29T01:00:00"),
            ("2026-03-29T03:00:00", "2026-03-29T01:00:00"), ("2026-10-25T02:30:00", "2026-10-25T00:30:00"),
            ("2026-10-25T03:00:00", "2026-10-25T02:00:00"),
        ] {
            #expect(zone.second(ofLocal: second(local)) == second(at), "\(local)")
        }
    }

    @Test(
        "a rule that is none is refused",
        arguments: [
            "", "C0", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-25",
            "CET-1x",
            "<+01-1", "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,J0,J1", "CET-1CEST,366,1", "CET-1:60", "CET-1CEST,M3.5.0,M10.5.0,",
        ])
    func noRule(text: String) { #expect(ZoneRule(parsing: text) == nil) }

    @Test("bytes that are cut or changed are no zone, or one, and never more")
    func hostile() {
        let whole = file([(0, 1), (1000, 0)], offsets: [0, 3600], footer: "CET-1CEST,M3.5.0,M10.5.0/3")
        for count in 0..<whole.count - 1 { #expect(ZoneOffsets(tzif: Array(whole[..<count])) == nil) }
        for place in whole.indices {
            for byte: UInt8 in [0, 1, 0x7f, 0xff] {
                var changed = whole
                changed[place] = byte
                guard let zone = ZoneOffsets(tzif: changed) else { continue }
                _ = zone.second(ofLocal: 2_000_000_000) + zone.offset(at: .max / 2)
            }
        }
        #expect(ZoneOffsets(tzif: file(offsets: [100_000])) == nil)
        #expect(ZoneOffsets(tzif: file([(5, 0), (4, 0)])) == nil && ZoneOffsets(tzif: file([(5, 1)])) == nil)
        #expect(ZoneOffsets(tzif: file() + [UInt8](repeating: 0, count: ZoneOffsets.bytesMax)) == nil)
    }
}

internal import Glibc

/// Finds a number by a name: one multiplication, and usually one comparison.
///
/// The names are those of a schema, so no outsider chooses what is in the table, only what is asked of it; and its
/// probes are short, because it is at most half full.
package struct NameTable {
    private struct Slot {
        var name: UnsafePointer<UInt8>?
        var count: UInt32
        var value: Int32
    }

    private var slots: UnsafeMutablePointer<Slot>
    private var mask: UInt64

    /// - Parameter entries: names in memory of `arena`, none twice.
    init(_ entries: [(name: UnsafePointer<UInt8>, count: Int, value: Int)], in arena: Arena) {
        var capacity = 2
        while capacity < entries.count * 2 { capacity *= 2 }
        slots = arena.allocate(Slot.self, count: capacity)
        slots.initialize(repeating: Slot(name: nil, count: 0, value: -1), count: capacity)
        mask = UInt64(capacity - 1)
        for entry in entries {
            var place = Int(Self.hash(entry.name, entry.count) & mask)
            while slots[place].name != nil { place = (place + 1) & Int(mask) }
            slots[place] = Slot(name: entry.name, count: UInt32(entry.count), value: Int32(entry.value))
        }
    }

    /// What the name stands for; `-1` where it is not in the table.
    @inline(__always)
    package func find(_ name: UnsafePointer<UInt8>, _ count: Int) -> Int {
        var place = Int(Self.hash(name, count) & mask)
        while let found = slots[place].name {
            if Int(slots[place].count) == count, memcmp(found, name, count) == 0 { return Int(slots[place].value) }
            place = (place + 1) & Int(mask)
        }
        return -1
    }

    /// Of the first and last eight bytes and the length.
    @inline(__always)
    private static func hash(_ name: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        let raw = UnsafeRawPointer(name)
        var low: UInt64 = 0
        var high: UInt64 = 0
        if count >= 8 {
            low = raw.loadUnaligned(as: UInt64.self)
            high = (raw + count - 8).loadUnaligned(as: UInt64.self)
            if count > 24 { low ^= (raw + count / 2 - 4).loadUnaligned(as: UInt64.self) &* 0x9E37_79B9_7F4A_7C15 }
        } else if count >= 4 {
            low = UInt64(raw.loadUnaligned(as: UInt32.self))
            high = UInt64((raw + count - 4).loadUnaligned(as: UInt32.self))
        } else if count > 0 {
            low = UInt64(name[0]) | UInt64(name[count / 2]) << 8 | UInt64(name[count - 1]) << 16
        }
        let mixed = (low ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: high ^ 0xE703_7ED1_A0B4_28DB ^ UInt64(count) << 56)
        return mixed.high ^ mixed.low
    }
}

internal import Bytes

/// Finds a rule by its key and value, or by its key alone, without making anything: open addressing over a hash.
///
/// Only configured rules are in it, so its hash needs no secret: a caller can choose what is looked up, not what collides.
struct EntryIndex: Sendable {
    private struct Slot: Sendable {
        var hash: UInt64
        var key: [UInt8]
        /// `nil` for a rule about every value.
        var value: [UInt8]?
        var target: Int
    }

    private var slots: [Slot?]
    private let mask: Int
    private static let hash = SeededHash(
        secrets: (0x2d35_8dcc_aa6c_78a5, 0x8bb8_4b93_962e_acc9, 0x4b33_a62e_d433_d4a3, 0x4d5a_2da5_1de1_aa47))

    init(_ entries: [(key: [UInt8], value: [UInt8]?, target: Int)]) {
        var capacity = 4
        while capacity < entries.count * 2 { capacity *= 2 }
        slots = Array(repeating: nil, count: capacity)
        mask = capacity - 1
        for entry in entries {
            let hash = entry.key.withUnsafeBytes { key in
                guard let value = entry.value else { return Self.hash.hash(key) }
                return value.withUnsafeBytes { Self.combine(Self.hash.hash(key), $0) }
            }
            var place = Int(truncatingIfNeeded: hash) & mask
            while slots[place] != nil { place = (place + 1) & mask }
            slots[place] = Slot(hash: hash, key: entry.key, value: entry.value, target: entry.target)
        }
    }

    private static func combine(_ key: UInt64, _ value: UnsafeRawBufferPointer) -> UInt64 {
        (key &* 0x9e37_79b9_7f4a_7c15).byteSwapped ^ hash.hash(value)
    }

    /// The rule for exactly this key and value; -1 for none.
    func find(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Int {
        find(Self.combine(Self.hash.hash(key), value)) { slot in
            guard let own = slot.value else { return false }
            return own.elementsEqual(value) && slot.key.elementsEqual(key)
        }
    }

    /// The rule for this key and every value; -1 for none.
    func find(key: UnsafeRawBufferPointer) -> Int {
        find(Self.hash.hash(key)) { $0.value == nil && $0.key.elementsEqual(key) }
    }

    private func find(_ hash: UInt64, _ fits: (borrowing Slot) -> Bool) -> Int {
        var place = Int(truncatingIfNeeded: hash) & mask
        while let slot = slots[place] {
            if slot.hash == hash, fits(slot) { return slot.target }
            place = (place + 1) & mask
        }
        return -1
    }
}

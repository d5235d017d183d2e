internal import Glibc

/// The keys of the maps that are open, to find one that is given twice: a stack of where each lies in the output.
struct KeyList: ~Copyable {
    struct Key {
        var start: Int
        var count: Int
    }

    private var keys: [Key] = []

    var count: Int { keys.count }

    mutating func reset() {
        keys.removeAll(keepingCapacity: keys.capacity <= 4096)
    }

    mutating func add(start: Int, count: Int) { keys.append(Key(start: start, count: count)) }

    /// Takes the keys from `place` on away. Returns one of two that are equal, if there are such.
    mutating func close(_ place: Int, in base: UnsafePointer<UInt8>) -> Key? {
        defer { keys.removeSubrange(place...) }
        let count = keys.count - place
        guard count > 1 else { return nil }
        func compare(_ left: Key, _ right: Key) -> Int32 {
            if left.count != right.count { return left.count < right.count ? -1 : 1 }
            return memcmp(base + left.start, base + right.start, left.count)
        }
        // Few, the usual case: each against each. Many: sorted, so that a hostile map costs no square.
        if count <= 8 {
            for later in (place + 1)..<keys.count {
                for earlier in place..<later where compare(keys[earlier], keys[later]) == 0 { return keys[later] }
            }
            return nil
        }
        keys[place...].sort { compare($0, $1) < 0 }
        for later in (place + 1)..<keys.count where compare(keys[later - 1], keys[later]) == 0 { return keys[later] }
        return nil
    }
}

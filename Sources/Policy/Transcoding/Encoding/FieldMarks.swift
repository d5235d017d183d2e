/// Which fields and oneofs of the messages that are open were given: some words a message, the innermost on top.
struct FieldMarks: ~Copyable {
    private var words: UnsafeMutablePointer<UInt64> = .allocate(capacity: 64)
    private var capacity = 64
    private var count = 0

    deinit { words.deallocate() }

    mutating func reset() { count = 0 }

    /// Room for `bits` bits, none set. Returns their place, for the others here.
    @inline(__always)
    mutating func open(bits: Int) -> Int {
        let place = count
        let wanted = (bits + 63) >> 6
        if capacity - count < wanted { grow(wanted) }
        for index in 0..<wanted { words[place + index] = 0 }
        count += wanted
        return place
    }

    @inline(__always)
    mutating func close(_ place: Int) { count = place }

    /// Sets a bit and says whether it was set before.
    @inline(__always)
    func set(_ place: Int, _ bit: Int) -> Bool {
        let mask: UInt64 = 1 &<< UInt64(bit & 63)
        let word = place + bit >> 6
        let before = words[word]
        words[word] = before | mask
        return before & mask != 0
    }

    @inline(__always)
    func isSet(_ place: Int, _ bit: Int) -> Bool { words[place + bit >> 6] >> UInt64(bit & 63) & 1 == 1 }

    private mutating func grow(_ wanted: Int) {
        while capacity - count < wanted { capacity *= 2 }
        let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity)
        larger.update(from: words, count: count)
        words.deallocate()
        words = larger
    }
}

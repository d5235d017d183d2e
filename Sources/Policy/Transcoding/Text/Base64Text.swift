/// Base64 as protobuf's JSON has it: both alphabets are read, with padding or without; the standard one is written.
enum Base64Text {
    /// Appends what the text means; `false` where it is no base64. Unused bits of the last character may be set, as the
    /// conformance tests of protobuf want.
    static func decode(_ start: UnsafePointer<UInt8>, _ count: Int, into output: inout Output) -> Bool {
        var count = count
        if count >= 1, count % 4 == 0, start[count - 1] == UInt8(ascii: "=") {
            count -= start[count - 2] == UInt8(ascii: "=") ? 2 : 1
        }
        let rest = count & 3
        guard rest != 1 else { return false }
        output.reserve(count / 4 * 3 + 3)
        let values = Self.values
        var target = output.at
        var seen: UInt8 = 0
        var at = start
        let whole = start + (count - rest)
        while at < whole {
            let a = values[Int(at[0])], b = values[Int(at[1])], c = values[Int(at[2])], d = values[Int(at[3])]
            seen |= a | b | c | d
            target[0] = a << 2 | b >> 4
            target[1] = b << 4 | c >> 2
            target[2] = c << 6 | d
            at += 4
            target += 3
        }
        if rest > 0 {
            let a = values[Int(at[0])], b = values[Int(at[1])]
            seen |= a | b
            target[0] = a << 2 | b >> 4
            target += 1
            if rest == 3 {
                let c = values[Int(at[2])]
                seen |= c
                target[0] = b << 4 | c >> 2
                target += 1
            }
        }
        // A foreign byte has the top bit, and one test finds it.
        guard seen < 64 else { return false }
        output.advance(to: target)
        return true
    }

    static func encode(_ bytes: UnsafeRawBufferPointer, into output: inout Output) {
        guard var at = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        output.reserve((bytes.count + 2) / 3 * 4)
        let letters = alphabet.utf8Start
        var target = output.at
        let whole = at + bytes.count / 3 * 3
        while at < whole {
            let word = UInt32(at[0]) << 16 | UInt32(at[1]) << 8 | UInt32(at[2])
            target[0] = letters[Int(word >> 18)]
            target[1] = letters[Int(word >> 12 & 63)]
            target[2] = letters[Int(word >> 6 & 63)]
            target[3] = letters[Int(word & 63)]
            at += 3
            target += 4
        }
        let rest = bytes.count % 3
        if rest > 0 {
            let word = UInt32(at[0]) << 16 | (rest == 2 ? UInt32(at[1]) << 8 : 0)
            target[0] = letters[Int(word >> 18)]
            target[1] = letters[Int(word >> 12 & 63)]
            target[2] = rest == 2 ? letters[Int(word >> 6 & 63)] : UInt8(ascii: "=")
            target[3] = UInt8(ascii: "=")
            target += 4
        }
        output.advance(to: target)
    }

    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// Lives as long as the process.
    nonisolated(unsafe) private static let values: UnsafePointer<UInt8> = {
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        table.initialize(repeating: 0xFF, count: 256)
        for value in 0..<64 { table[Int(alphabet.utf8Start[value])] = UInt8(value) }
        table[Int(UInt8(ascii: "-"))] = 62
        table[Int(UInt8(ascii: "_"))] = 63
        return UnsafePointer(table)
    }()
}

internal import Bytes

/// What /proc says of a process's memory.
package enum ProcessMemory {
    /// The second number of /proc/self/statm, which is in pages; `nil` where there is none.
    package static func residentBytes(statm: UnsafeRawBufferPointer, pageBytes: Int) -> Int? {
        let words = statm.split(separator: UInt8(ascii: " "))
        guard words.count > 1 else { return nil }
        return Untrusted<Int>(decimal: words[1])?.scaled(by: pageBytes).exactly(in: 0 ... .max)
    }
}

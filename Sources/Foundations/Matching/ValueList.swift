internal import Glibc

/// The values that a file lists: one a line, spaces at the ends of lines aside. Empty lines, and those that begin with `#`, say nothing.
///
/// Flat memory, sorted, and shared by the workers.
package final class ValueList: @unchecked Sendable {
    package static var bytesMax: Int { 4 << 20 }

    let memory: Memory

    /// - Parameter text: of at most `bytesMax`; `nil` where it is more.
    package init?(_ text: [UInt8]) {
        guard text.count <= Self.bytesMax else { return nil }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
        bytes.copyBytes(from: text)
        let lines = Self.lines(UnsafeRawBufferPointer(bytes))
        let values = UnsafeMutableBufferPointer<UnsafeRawBufferPointer>.allocate(capacity: lines.count)
        _ = values.initialize(fromContentsOf: lines.sorted { Memory.order($0, $1) < 0 })
        memory = Memory(values: UnsafeBufferPointer(values), bytes: UnsafeRawBufferPointer(bytes))
    }

    deinit {
        memory.values.deallocate()
        memory.bytes.deallocate()
    }

    /// For messages.
    package var count: Int { memory.values.count }

    private static func lines(_ text: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
        return text.split(separator: UInt8(ascii: "\n")).compactMap { line in
            var line = line.drop(while: isBlank)
            while let last = line.last, isBlank(last) { line.removeLast() }
            guard let first = line.first, first != UInt8(ascii: "#") else { return nil }
            return UnsafeRawBufferPointer(rebasing: line)
        }
    }

    /// What is asked, for memory without reference counts; good while the list lives.
    struct Memory: BitwiseCopyable {
        /// Sorted, within `bytes`.
        fileprivate let values: UnsafeBufferPointer<UnsafeRawBufferPointer>
        fileprivate let bytes: UnsafeRawBufferPointer

        func contains(_ value: UnsafeRawBufferPointer) -> Bool {
            var (low, high) = (0, values.count)
            while low < high {
                let middle = (low + high) / 2
                let order = Self.order(value, values[middle])
                if order == 0 { return true }
                if order < 0 { high = middle } else { low = middle + 1 }
            }
            return false
        }

        fileprivate static func order(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
            let count = min(left.count, right.count)
            if count > 0, let ours = left.baseAddress, let theirs = right.baseAddress {
                let order = memcmp(ours, theirs, count)
                if order != 0 { return Int(order) }
            }
            return left.count - right.count
        }
    }
}

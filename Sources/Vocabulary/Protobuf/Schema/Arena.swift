internal import Glibc

/// Memory that is given out piece by piece and taken back at once: what the tables of a schema lie in.
final class Arena {
    private var blocks: [UnsafeMutableRawPointer] = []
    private var at = 0
    private var left = 0

    private static let blockBytes = 64 << 10

    deinit { for block in blocks { block.deallocate() } }

    func allocate<Record>(_ type: Record.Type, count: Int) -> UnsafeMutablePointer<Record> {
        let alignment = max(MemoryLayout<Record>.alignment, 1)
        let bytes = max(MemoryLayout<Record>.stride * count, 1)
        return take(bytes, alignment: alignment).bindMemory(to: Record.self, capacity: max(count, 1))
    }

    /// A copy of the bytes, with zeros behind it so that eight bytes can be read from its beginning.
    func intern(_ text: String) -> UnsafePointer<UInt8> { intern(Array(text.utf8)) }

    func intern(_ bytes: [UInt8]) -> UnsafePointer<UInt8> {
        let copy = take(bytes.count + 8, alignment: 1)
        memset(copy, 0, bytes.count + 8)
        bytes.withUnsafeBytes { if let base = $0.baseAddress { copy.copyMemory(from: base, byteCount: $0.count) } }
        return UnsafePointer(copy.assumingMemoryBound(to: UInt8.self))
    }

    private func take(_ bytes: Int, alignment: Int) -> UnsafeMutableRawPointer {
        let padding = (alignment - at % alignment) % alignment
        if blocks.isEmpty || left < bytes + padding {
            let size = max(Self.blockBytes, bytes)
            blocks.append(.allocate(byteCount: size, alignment: 16))
            at = 0
            left = size
        } else {
            at += padding
            left -= padding
        }
        let place = blocks[blocks.count - 1] + at
        at += bytes
        left -= bytes
        return place
    }
}

package import CNghttp2
internal import Glibc

/// The allocator that nghttp2 is given: free blocks of a few sizes are kept for the next stream or frame, so that a busy
/// worker allocates nothing. One per worker, outliving its sessions.
///
/// Each block carries its class in 16 bytes in front. Larger requests go to malloc.
package final class FreelistMemory {
    private var free: (Slot, Slot, Slot, Slot, Slot, Slot) = (Slot(), Slot(), Slot(), Slot(), Slot(), Slot())
    private let functions: UnsafeMutablePointer<nghttp2_mem>

    private struct Slot {
        var head: UnsafeMutableRawPointer?
        var count = 0
    }

    /// Sizes 64, 128, 256, 512, 1024 and 2048 bytes; what nghttp2 asks for per stream and frame lies below.
    private static let classes = 6
    private static let smallestShift = 6
    private static let header = 16
    private static let keptPerClass = 4096
    private static let unclassed = 255

    package init() {
        functions = .allocate(capacity: 1)
        functions.initialize(to: nghttp2_mem())
        functions.pointee.mem_user_data = Unmanaged.passUnretained(self).toOpaque()
        functions.pointee.malloc = { size, user in FreelistMemory.from(user).take(size) }
        functions.pointee.free = { block, user in
            if let block { FreelistMemory.from(user).give(block) }
        }
        functions.pointee.calloc = { count, size, user in
            let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow, let block = FreelistMemory.from(user).take(bytes) else { return nil }
            memset(block, 0, bytes)
            return block
        }
        functions.pointee.realloc = { block, size, user in
            let memory = FreelistMemory.from(user)
            guard let block else { return memory.take(size) }
            return memory.resize(block, size)
        }
    }

    deinit {
        for index in 0..<Self.classes {
            while let block = pop(index) { Glibc.free(block) }
        }
        functions.deallocate()
    }

    package var pointer: UnsafeMutablePointer<nghttp2_mem> { functions }

    private static func from(_ user: UnsafeMutableRawPointer?) -> FreelistMemory {
        Unmanaged<FreelistMemory>.fromOpaque(user!)._withUnsafeGuaranteedRef { $0 }
    }

    @inline(__always)
    private func withSlot<Result>(_ index: Int, _ body: (inout Slot) -> Result) -> Result {
        withUnsafeMutableBytes(of: &free) { body(&$0.assumingMemoryBound(to: Slot.self)[index]) }
    }

    private func pop(_ index: Int) -> UnsafeMutableRawPointer? {
        withSlot(index) { slot in
            guard let head = slot.head else { return nil }
            slot.head = head.load(as: UnsafeMutableRawPointer?.self)
            slot.count -= 1
            return head
        }
    }

    private static func classOf(_ size: Int) -> Int {
        if size <= 1 << smallestShift { return 0 }
        return Int.bitWidth - (size - 1).leadingZeroBitCount - smallestShift
    }

    private func take(_ size: Int) -> UnsafeMutableRawPointer? {
        let index = Self.classOf(size)
        let block: UnsafeMutableRawPointer
        if index >= Self.classes {
            guard let fresh = Glibc.malloc(size + Self.header) else { return nil }
            fresh.storeBytes(of: Self.unclassed, as: Int.self)
            fresh.storeBytes(of: size, toByteOffset: 8, as: Int.self)
            return fresh + Self.header
        }
        if let reused = pop(index) {
            block = reused
        } else {
            guard let fresh = Glibc.malloc((1 << (index + Self.smallestShift)) + Self.header) else { return nil }
            block = fresh
        }
        block.storeBytes(of: index, as: Int.self)
        return block + Self.header
    }

    private func give(_ memory: UnsafeMutableRawPointer) {
        let block = memory - Self.header
        let index = block.load(as: Int.self)
        if index == Self.unclassed { return Glibc.free(block) }
        let kept = withSlot(index) { slot -> Bool in
            guard slot.count < Self.keptPerClass else { return false }
            block.storeBytes(of: slot.head, as: UnsafeMutableRawPointer?.self)
            slot.head = block
            slot.count += 1
            return true
        }
        if !kept { Glibc.free(block) }
    }

    private func resize(_ memory: UnsafeMutableRawPointer, _ size: Int) -> UnsafeMutableRawPointer? {
        let block = memory - Self.header
        let index = block.load(as: Int.self)
        let capacity =
            index == Self.unclassed ? block.load(fromByteOffset: 8, as: Int.self) : 1 << (index + Self.smallestShift)
        if size <= capacity { return memory }
        guard let larger = take(size) else { return nil }
        memcpy(larger, memory, capacity)
        give(memory)
        return larger
    }
}

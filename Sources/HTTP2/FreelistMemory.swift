package import CNghttp2
internal import Glibc

/// The allocator that nghttp2 is given: free blocks of a few sizes are kept for the next stream or frame, so that a busy
/// worker allocates nothing. One per worker, outliving its sessions.
///
/// Each block carries its class in 16 bytes in front. Larger requests go to malloc. Its state is plain memory, because
/// nghttp2 calls in more than a dozen times a request.
package final class FreelistMemory {
    private let lists: UnsafeMutablePointer<Lists>
    private let functions: UnsafeMutablePointer<nghttp2_mem>

    package init() {
        lists = .allocate(capacity: 1)
        lists.initialize(to: Lists())
        functions = .allocate(capacity: 1)
        functions.initialize(to: nghttp2_mem())
        functions.pointee.mem_user_data = UnsafeMutableRawPointer(lists)
        functions.pointee.malloc = { size, user in Lists.from(user).pointee.take(size) }
        functions.pointee.free = { block, user in
            if let block { Lists.from(user).pointee.give(block) }
        }
        functions.pointee.calloc = { count, size, user in
            let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow, let block = Lists.from(user).pointee.take(bytes) else { return nil }
            memset(block, 0, bytes)
            return block
        }
        functions.pointee.realloc = { block, size, user in
            guard let block else { return Lists.from(user).pointee.take(size) }
            return Lists.from(user).pointee.resize(block, size)
        }
    }

    deinit {
        lists.pointee.freeAll()
        lists.deallocate()
        functions.deallocate()
    }

    package var pointer: UnsafeMutablePointer<nghttp2_mem> { functions }
}

/// The free blocks, by size class.
private struct Lists {
    private var classes: (Slot, Slot, Slot, Slot, Slot, Slot) = (Slot(), Slot(), Slot(), Slot(), Slot(), Slot())

    private struct Slot {
        var head: UnsafeMutableRawPointer?
        var count = 0
    }

    /// Sizes 64, 128, 256, 512, 1024 and 2048 bytes; what nghttp2 asks for per stream and frame lies below.
    private static var classCount: Int { 6 }
    private static var smallestShift: Int { 6 }
    private static var header: Int { 16 }
    private static var keptPerClass: Int { 4096 }
    private static var unclassed: Int { 255 }

    @inline(__always)
    static func from(_ user: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<Lists> {
        user!.assumingMemoryBound(to: Lists.self)
    }

    @inline(__always)
    private static func classOf(_ size: Int) -> Int {
        if size <= 1 << smallestShift { return 0 }
        return Int.bitWidth - (size - 1).leadingZeroBitCount - smallestShift
    }

    @inline(__always)
    private mutating func withSlot<Result>(_ index: Int, _ body: (inout Slot) -> Result) -> Result {
        withUnsafeMutableBytes(of: &classes) { body(&$0.assumingMemoryBound(to: Slot.self)[index]) }
    }

    private mutating func pop(_ index: Int) -> UnsafeMutableRawPointer? {
        withSlot(index) { slot in
            guard let head = slot.head else { return nil }
            slot.head = head.load(as: UnsafeMutableRawPointer?.self)
            slot.count -= 1
            return head
        }
    }

    mutating func take(_ size: Int) -> UnsafeMutableRawPointer? {
        let index = Self.classOf(size)
        if index >= Self.classCount {
            guard let fresh = malloc(size + Self.header) else { return nil }
            fresh.storeBytes(of: Self.unclassed, as: Int.self)
            fresh.storeBytes(of: size, toByteOffset: 8, as: Int.self)
            return fresh + Self.header
        }
        guard let block = pop(index) ?? malloc((1 << (index + Self.smallestShift)) + Self.header) else { return nil }
        block.storeBytes(of: index, as: Int.self)
        return block + Self.header
    }

    mutating func give(_ memory: UnsafeMutableRawPointer) {
        let block = memory - Self.header
        let index = block.load(as: Int.self)
        let isKept = index != Self.unclassed && withSlot(index) { slot in
            guard slot.count < Self.keptPerClass else { return false }
            block.storeBytes(of: slot.head, as: UnsafeMutableRawPointer?.self)
            slot.head = block
            slot.count += 1
            return true
        }
        if !isKept { free(block) }
    }

    mutating func resize(_ memory: UnsafeMutableRawPointer, _ size: Int) -> UnsafeMutableRawPointer? {
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

    mutating func freeAll() {
        for index in 0..<Self.classCount {
            while let block = pop(index) { free(block) }
        }
    }
}

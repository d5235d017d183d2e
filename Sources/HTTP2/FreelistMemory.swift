package import CNghttp2
internal import Glibc

/// The allocator that nghttp2 is given: free blocks of a few sizes are kept for the next stream or frame, so that a busy
/// worker allocates nothing. One per worker, outliving its sessions.
///
/// Each block carries its class in 16 bytes in front. A session's frame buffer, of which an idle connection touches only the
/// beginning, lies in pages of its own, so that only the first of them is ever in memory. Other large requests go to malloc. Its state is plain memory, because
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
    /// The first free block of each class, which begins with a pointer to the next.
    private let heads: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private let counts: UnsafeMutablePointer<Int>

    /// Sizes 64, 128, 256, 512, 1024 and 2048 bytes; what nghttp2 asks for per stream and frame lies below.
    private static var classCount: Int { 6 }
    private static var smallestShift: Int { 6 }
    private static var header: Int { 16 }
    private static var keptPerClass: Int { 4096 }
    private static var unclassed: Int { 255 }

    /// Frame buffers: nghttp2 asks for a little more than the 16 KiB of a frame's payload.
    private static var frameBuffer: Int { 6 }
    private static var frameBufferSizes: Range<Int> { 16_384..<(5 * pageBytes - header) }
    private static var frameBufferStride: Int { 5 * pageBytes }
    private static var frameBuffersPerRegion: Int { 16 }
    private static var pageBytes: Int { 4096 }

    private var frameBuffers: UnsafeMutableRawPointer?
    /// What frame buffers are cut from; each begins with a pointer to the one before, in a page of its own.
    private var regions: UnsafeMutableRawPointer?

    init() {
        heads = .allocate(capacity: Self.classCount)
        heads.initialize(repeating: nil, count: Self.classCount)
        counts = .allocate(capacity: Self.classCount)
        counts.initialize(repeating: 0, count: Self.classCount)
    }

    @inline(__always)
    static func from(_ user: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<Lists> {
        user!.assumingMemoryBound(to: Lists.self)
    }

    @inline(__always)
    private static func classOf(_ size: Int) -> Int {
        // 63 has the bits that all sizes of the smallest class lack.
        Int.bitWidth &- ((size &- 1) | 63).leadingZeroBitCount &- smallestShift
    }

    @inline(__always)
    mutating func take(_ size: Int) -> UnsafeMutableRawPointer? {
        let index = Self.classOf(size)
        guard index < Self.classCount, let head = heads[index] else { return makeBlock(size, index) }
        heads[index] = head.load(as: UnsafeMutableRawPointer?.self)
        counts[index] &-= 1
        head.storeBytes(of: index, as: Int.self)
        return head + Self.header
    }

    @inline(never)
    private mutating func makeBlock(_ size: Int, _ index: Int) -> UnsafeMutableRawPointer? {
        if Self.frameBufferSizes.contains(size) { return takeFrameBuffer() }
        let isClassed = index < Self.classCount
        guard let block = malloc((isClassed ? 1 << (index + Self.smallestShift) : size) + Self.header) else { return nil }
        block.storeBytes(of: isClassed ? index : Self.unclassed, as: Int.self)
        block.storeBytes(of: size, toByteOffset: 8, as: Int.self)
        return block + Self.header
    }

    private mutating func takeFrameBuffer() -> UnsafeMutableRawPointer? {
        guard let block = frameBuffers ?? cutFrameBuffers() else { return nil }
        frameBuffers = block.load(as: UnsafeMutableRawPointer?.self)
        block.storeBytes(of: Self.frameBuffer, as: Int.self)
        return block + Self.header
    }

    /// Makes a region of them.
    private mutating func cutFrameBuffers() -> UnsafeMutableRawPointer? {
        var region: UnsafeMutableRawPointer?
        let bytes = Self.pageBytes + Self.frameBuffersPerRegion * Self.frameBufferStride
        guard posix_memalign(&region, Self.pageBytes, bytes) == 0, let region else { return nil }
        region.storeBytes(of: regions, as: UnsafeMutableRawPointer?.self)
        regions = region
        for index in 0..<Self.frameBuffersPerRegion {
            let block = region + Self.pageBytes + index * Self.frameBufferStride
            block.storeBytes(of: frameBuffers, as: UnsafeMutableRawPointer?.self)
            frameBuffers = block
        }
        return frameBuffers
    }

    @inline(never)
    private mutating func giveUnclassed(_ block: UnsafeMutableRawPointer, _ index: Int) {
        guard index == Self.frameBuffer else { return free(block) }
        block.storeBytes(of: frameBuffers, as: UnsafeMutableRawPointer?.self)
        frameBuffers = block
    }

    @inline(__always)
    mutating func give(_ memory: UnsafeMutableRawPointer) {
        let block = memory - Self.header
        let index = block.load(as: Int.self)
        guard index < Self.classCount, counts[index] < Self.keptPerClass else { return giveUnclassed(block, index) }
        block.storeBytes(of: heads[index], as: UnsafeMutableRawPointer?.self)
        heads[index] = block
        counts[index] &+= 1
    }

    mutating func resize(_ memory: UnsafeMutableRawPointer, _ size: Int) -> UnsafeMutableRawPointer? {
        let block = memory - Self.header
        let index = block.load(as: Int.self)
        let capacity =
            switch index {
            case Self.unclassed: block.load(fromByteOffset: 8, as: Int.self)
            case Self.frameBuffer: Self.frameBufferStride - Self.header
            default: 1 << (index + Self.smallestShift)
            }
        if size <= capacity { return memory }
        guard let larger = take(size) else { return nil }
        memcpy(larger, memory, capacity)
        give(memory)
        return larger
    }

    mutating func freeAll() {
        while let region = regions {
            regions = region.load(as: UnsafeMutableRawPointer?.self)
            free(region)
        }

        for index in 0..<Self.classCount {
            while let block = heads[index] {
                heads[index] = block.load(as: UnsafeMutableRawPointer?.self)
                free(block)
            }
        }
        heads.deallocate()
        counts.deallocate()
    }
}

package import CNghttp2
internal import Glibc

/// The allocator that nghttp2 is given: free blocks of a few sizes are kept for the next stream or frame, so that a busy
/// worker allocates nothing. One per worker, outliving its sessions.
///
/// Each block carries its class in 16 bytes in front. A session's frame buffer, of which an idle connection touches only the
/// beginning, lies in pages of its own, so that only the first of them is ever in memory. Other large requests go to malloc.
/// What a burst leaves behind beyond a bound goes back: blocks to malloc, pages of frame buffers to the system. Its state is
/// plain memory, because nghttp2 calls in more than a dozen times a request.
package final class NGHTTP2Allocator {
    private let lists: UnsafeMutablePointer<Lists>
    private let functions: UnsafeMutablePointer<nghttp2_mem>

    package init() {
        lists = .allocate(capacity: 1)
        lists.initialize(to: Lists())
        functions = .allocate(capacity: 1)
        functions.initialize(to: nghttp2_mem())
        functions.pointee.mem_user_data = UnsafeMutableRawPointer(lists)
        functions.pointee.malloc = { size, user in Lists.allocate(size, from: Lists.from(user)) }
        functions.pointee.free = { block, user in
            if let block { Lists.from(user).pointee.deallocate(block) }
        }
        functions.pointee.calloc = { count, size, user in
            let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow, let block = Lists.allocate(bytes, from: Lists.from(user)) else { return nil }
            memset(block, 0, bytes)
            return block
        }
        functions.pointee.realloc = { block, size, user in
            guard let block else { return Lists.allocate(size, from: Lists.from(user)) }
            return Lists.from(user).pointee.resize(block, size)
        }
    }

    deinit {
        lists.pointee.freeAll()
        lists.deallocate()
        functions.deallocate()
    }

    package var pointer: UnsafeMutablePointer<nghttp2_mem> { functions }

    /// Gives back half of what is kept beyond a small stock. Called every ten seconds: what a burst has left is gone after
    /// a few of them, and steady work, which needs it again at once, hardly notices.
    package func trim() { lists.pointee.trim() }

    /// Kept for the next allocation, headers not counted.
    var keptBytes: Int { lists.pointee.keptBytes }
}

/// The free blocks, by size class.
private struct Lists {
    private struct Class {
        /// The first free block, which begins with a pointer to the next.
        var head: UnsafeMutableRawPointer?
        /// How many more are kept.
        var room: Int
    }
    /// By size, then those of which none are kept here: frame buffers, and what malloc gave.
    private let classes: UnsafeMutablePointer<Class>

    /// Sizes 64, 128, 256, 512, 1024 and 2048 bytes; what nghttp2 asks for per stream and frame lies below.
    private static var classCount: Int { 6 }
    private static var smallestShift: Int { 6 }
    private static var header: Int { 16 }
    /// Blocks of a class that are kept: 4096 of the small ones, and two mebibytes of the others.
    @inline(__always)
    private static func keptMax(_ index: Int) -> Int { min(4096, (2 << 20) >> (index &+ smallestShift)) }
    private static var unclassed: Int { 7 }

    /// Frame buffers: nghttp2 asks for a little more than the 16 KiB of a frame's payload.
    private static var frameBuffer: Int { 6 }
    private static var frameBufferSizes: Range<Int> { 16_384..<(5 * pageBytes - header) }
    private static var frameBufferStride: Int { 5 * pageBytes }
    private static var frameBuffersPerRegion: Int { 16 }
    private static var frameBuffersKept: Int { 64 }
    private static var pageBytes: Int { 4096 }
    private static var regionBytes: Int { pageBytes + frameBuffersPerRegion * frameBufferStride }

    /// What frame buffers are cut from: its beginning, in a page of its own.
    private struct Region {
        /// Linked as long as one of its buffers is free.
        var next: UnsafeMutablePointer<Region>?
        var previous: UnsafeMutablePointer<Region>?
        /// The first free buffer, which begins with a pointer to the next.
        var free: UnsafeMutableRawPointer?
        var freeCount = 0
    }

    /// Those with free buffers.
    private var regions: UnsafeMutablePointer<Region>?
    private var frameBuffersFree = 0

    init() {
        classes = .allocate(capacity: Self.unclassed + 1)
        for index in 0...Self.unclassed {
            classes.advanced(by: index).initialize(to: Class(room: index < Self.classCount ? Self.keptMax(index) : 0))
        }
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

    /// Static, so that it has nothing to keep for the case that there is no free block: a dozen times a call.
    @inline(__always)
    static func allocate(_ size: Int, from lists: UnsafeMutablePointer<Lists>) -> UnsafeMutableRawPointer? {
        let index = classOf(size)
        guard index < classCount else { return makeBlock(size, lists) }
        let list = lists.pointee.classes + index
        guard let head = list.pointee.head else { return makeBlock(size, lists) }
        list.pointee.head = head.load(as: UnsafeMutableRawPointer?.self)
        list.pointee.room &+= 1
        head.storeBytes(of: list, as: UnsafeMutablePointer<Class>.self)
        return head + header
    }

    @inline(never)
    private static func makeBlock(_ size: Int, _ lists: UnsafeMutablePointer<Lists>) -> UnsafeMutableRawPointer? {
        lists.pointee.makeBlock(size, classOf(size))
    }

    /// A block in use begins with a pointer to its class.
    @inline(__always)
    private func mark(_ block: UnsafeMutableRawPointer, _ index: Int) {
        block.storeBytes(of: classes + index, as: UnsafeMutablePointer<Class>.self)
    }

    @inline(__always)
    private func classOf(_ block: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Class> {
        block.load(as: UnsafeMutablePointer<Class>.self)
    }

    private mutating func makeBlock(_ size: Int, _ index: Int) -> UnsafeMutableRawPointer? {
        if Self.frameBufferSizes.contains(size) { return acquireFrameBuffer() }
        let isClassed = index < Self.classCount
        guard let block = malloc((isClassed ? 1 << (index + Self.smallestShift) : size) + Self.header) else { return nil }
        mark(block, isClassed ? index : Self.unclassed)
        block.storeBytes(of: size, toByteOffset: 8, as: Int.self)
        return block + Self.header
    }

    private mutating func acquireFrameBuffer() -> UnsafeMutableRawPointer? {
        guard let region = regions ?? makeRegion(), let block = region.pointee.free else { return nil }
        region.pointee.free = block.load(as: UnsafeMutableRawPointer?.self)
        region.pointee.freeCount -= 1
        frameBuffersFree -= 1
        if region.pointee.freeCount == 0 { unlink(region) }
        mark(block, Self.frameBuffer)
        block.storeBytes(of: region, toByteOffset: 8, as: UnsafeMutablePointer<Region>.self)
        return block + Self.header
    }

    private mutating func releaseFrameBuffer(_ block: UnsafeMutableRawPointer) {
        let region = block.load(fromByteOffset: 8, as: UnsafeMutablePointer<Region>.self)
        block.storeBytes(of: region.pointee.free, as: UnsafeMutableRawPointer?.self)
        region.pointee.free = block
        region.pointee.freeCount += 1
        frameBuffersFree += 1
        // Those in use are taken from first, so that others become free as a whole.
        if region.pointee.freeCount == 1 { link(region) }
        guard region.pointee.freeCount == Self.frameBuffersPerRegion, frameBuffersFree > Self.frameBuffersKept else { return }
        unlink(region)
        frameBuffersFree -= Self.frameBuffersPerRegion
        munmap(region, Self.regionBytes)
    }

    private mutating func makeRegion() -> UnsafeMutablePointer<Region>? {
        // Not malloc's, which would keep what is given back.
        let memory = mmap(nil, Self.regionBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else { return nil }
        let region = memory.bindMemory(to: Region.self, capacity: 1)
        region.initialize(to: Region())
        for index in 0..<Self.frameBuffersPerRegion {
            let block = memory + Self.pageBytes + index * Self.frameBufferStride
            block.storeBytes(of: region.pointee.free, as: UnsafeMutableRawPointer?.self)
            region.pointee.free = block
        }
        region.pointee.freeCount = Self.frameBuffersPerRegion
        frameBuffersFree += Self.frameBuffersPerRegion
        link(region)
        return region
    }

    private mutating func link(_ region: UnsafeMutablePointer<Region>) {
        region.pointee.previous = nil
        region.pointee.next = regions
        regions?.pointee.previous = region
        regions = region
    }

    private mutating func unlink(_ region: UnsafeMutablePointer<Region>) {
        if let previous = region.pointee.previous {
            previous.pointee.next = region.pointee.next
        } else {
            regions = region.pointee.next
        }
        region.pointee.next?.pointee.previous = region.pointee.previous
    }

    @inline(never)
    private mutating func deallocateElsewhere(_ block: UnsafeMutableRawPointer) {
        if classOf(block) == classes + Self.frameBuffer { releaseFrameBuffer(block) } else { free(block) }
    }

    @inline(__always)
    mutating func deallocate(_ memory: UnsafeMutableRawPointer) {
        let block = memory - Self.header
        let list = classOf(block)
        guard list.pointee.room > 0 else { return deallocateElsewhere(block) }
        block.storeBytes(of: list.pointee.head, as: UnsafeMutableRawPointer?.self)
        list.pointee.head = block
        list.pointee.room &-= 1
    }

    mutating func resize(_ memory: UnsafeMutableRawPointer, _ size: Int) -> UnsafeMutableRawPointer? {
        let block = memory - Self.header
        let index = classOf(block) - classes
        let capacity =
            switch index {
            case Self.unclassed: block.load(fromByteOffset: 8, as: Int.self)
            case Self.frameBuffer: Self.frameBufferStride - Self.header
            default: 1 << (index + Self.smallestShift)
            }
        if size <= capacity { return memory }
        guard let larger = withUnsafeMutablePointer(to: &self, { Self.allocate(size, from: $0) }) else { return nil }
        memcpy(larger, memory, capacity)
        deallocate(memory)
        return larger
    }

    /// Blocks of each class, and frame buffers, that `trim` leaves.
    private static var stock: Int { 64 }

    mutating func trim() {
        for index in 0..<Self.classCount {
            let kept = Self.keptMax(index) - classes[index].room
            for _ in 0..<max(0, (kept - Self.stock + 1) / 2) {
                guard let block = classes[index].head else { break }
                classes[index].head = block.load(as: UnsafeMutableRawPointer?.self)
                classes[index].room += 1
                free(block)
            }
        }
    }

    var keptBytes: Int {
        (0..<Self.classCount).reduce(frameBuffersFree * Self.frameBufferStride) { sum, index in
            sum + (Self.keptMax(index) - classes[index].room) << (index + Self.smallestShift)
        }
    }

    /// When all has been given back.
    mutating func freeAll() {
        while let region = regions {
            unlink(region)
            munmap(region, Self.regionBytes)
        }
        for index in 0..<Self.classCount {
            while let block = classes[index].head {
                classes[index].head = block.load(as: UnsafeMutableRawPointer?.self)
                free(block)
            }
        }
        classes.deallocate()
    }
}

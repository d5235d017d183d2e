internal import Bytes
internal import Glibc
internal import Matching

/// The flat memory of a `RouteTable`: plain records that refer to `bytes` by offset.
///
/// Owned and freed by its table, and reached by pointer, so that a look-up touches no reference count.
struct RouteTableStorage: BitwiseCopyable {
    let seed: UInt64
    let shapes: UnsafeBufferPointer<Shape>
    let headers: UnsafeBufferPointer<Header>
    let patterns: UnsafeBufferPointer<Pattern>
    let conditions: UnsafeBufferPointer<Condition>
    /// Of each route.
    let hasMethods: UnsafeBufferPointer<Bool>
    let slots: UnsafeBufferPointer<Slot>
    let methodSlots: UnsafeBufferPointer<MethodSlot>
    let bytes: BorrowedBytes
    /// The deepest path or prefix, in segments: hashing a path may stop there.
    let depthMax: Int

    init(_ builder: RouteTableBuilder) {
        seed = builder.seed
        shapes = Self.keep(builder.shapes)
        headers = Self.keep(builder.headers)
        patterns = Self.keep(builder.patterns)
        conditions = Self.keep(builder.conditions)
        hasMethods = Self.keep(builder.hasMethods)
        slots = Self.keep(builder.slots)
        methodSlots = Self.keep(builder.methodSlots)
        bytes = BorrowedBytes(Self.keep(builder.bytes))
        depthMax = builder.depthMax
    }

    func deallocate() {
        shapes.deallocate()
        headers.deallocate()
        patterns.deallocate()
        conditions.deallocate()
        hasMethods.deallocate()
        slots.deallocate()
        methodSlots.deallocate()
        bytes.deallocate()
    }

    private static func keep<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeBufferPointer<Element> {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = memory.initialize(fromContentsOf: elements)
        return UnsafeBufferPointer(memory)
    }

    func bytes(of slice: Slice) -> BorrowedBytes {
        BorrowedBytes(rebasing: bytes[Int(slice.offset)..<Int(slice.offset + slice.count)])
    }

    @inline(__always)
    func text(_ slice: Slice, equals other: BorrowedBytes) -> Bool {
        guard Int(slice.count) == other.count else { return false }
        guard other.count > 0, let ours = bytes.baseAddress, let theirs = other.baseAddress else { return true }
        return memcmp(ours + Int(slice.offset), theirs, other.count) == 0
    }
}

extension RouteTableStorage {
    struct Slice: BitwiseCopyable {
        var offset: Int32 = 0
        var count: Int32 = 0
    }

    enum AuthorityKind: UInt8, BitwiseCopyable { case any, exact, suffix }
    enum TargetKind: UInt8, BitwiseCopyable { case any, service, path, prefix }

    struct Shape: BitwiseCopyable {
        var authority: AuthorityKind
        var target: TargetKind
        /// Labels of a suffix.
        var labels: Int32
        /// Segments of a prefix.
        var depth: Int32
        /// A run in `headers`.
        var firstHeader: Int32
        var headerCount: Int32
        /// No route of this shape comes before it.
        var firstRoute: Int32
    }

    struct Header: BitwiseCopyable {
        var name: Slice
        var isExact: Bool
    }

    /// A key of a route; a route may have two.
    struct Pattern: BitwiseCopyable {
        var authority = Slice()
        var target = Slice()
        /// The exact header values, one after the other, each with its length (4 bytes) in front.
        var values = Slice()
        var shape: Int32
        var route: Int32
        /// A run in `conditions`.
        var firstCondition: Int32
        var conditionCount: Int32
        /// Some of them are of the HTTP method or a header.
        var asksMoreThanTarget: Bool
    }

    struct Condition: BitwiseCopyable {
        var source: RouteCondition.Source
        var name: Slice
        var tests: ValueMatcher.Tests
    }

    struct Slot: BitwiseCopyable {
        var hash: UInt64
        /// Negative in an empty slot.
        var pattern: Int32
    }

    struct MethodSlot: BitwiseCopyable {
        var hash: UInt64
        var name = Slice()
        var route: Int32
        var method: Int32
    }
}

internal import Bytes
internal import Matching

/// Room for the hashes of a path's beginnings.
typealias HashScratch = UnsafeMutableBufferPointer<UInt64>

/// The flat memory of a `RouteTable`: plain records that refer to `bytes` by offset.
///
/// Owned and freed by its table, and reached as a record, so that a look-up touches no reference count. Nothing is set once it is made;
/// its members are `var` because those of a record are reached by their offsets.
struct RouteTableStorage: BitwiseCopyable {
    var seed: UInt64
    var shapes: BorrowedElements<Shape>
    var headers: BorrowedElements<Header>
    var patterns: BorrowedElements<Pattern>
    var conditions: BorrowedElements<Condition>
    /// Of each route.
    var hasMethods: BorrowedElements<Bool>
    var slots: BorrowedElements<Slot>
    var methodSlots: BorrowedElements<MethodSlot>
    var bytes: BorrowedBytes
    /// The deepest path or prefix, in segments: hashing a path may stop there.
    var depthMax: Int

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

    fileprivate func deallocate() {
        shapes.deallocate()
        headers.deallocate()
        patterns.deallocate()
        conditions.deallocate()
        hasMethods.deallocate()
        slots.deallocate()
        methodSlots.deallocate()
        bytes.deallocate()
    }

    private static func keep<Element: BitwiseCopyable>(_ elements: [Element]) -> BorrowedElements<Element> {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = memory.initialize(fromContentsOf: elements)
        return BorrowedElements(memory)
    }
}

extension Record where Value == RouteTableStorage {
    /// The tables, and this record of them.
    func free() {
        pointee.deallocate()
        deallocate()
    }

    func bytes(of slice: RouteTableStorage.Slice) -> BorrowedBytes {
        BorrowedBytes(rebasing: self.bytes[Int(slice.offset)..<Int(slice.offset + slice.count)])
    }

    @inline(__always)
    func text(_ slice: RouteTableStorage.Slice, equals other: BorrowedBytes) -> Bool {
        Int(slice.count) == other.count && self.bytes.holds(other, at: Int(slice.offset))
    }
}

extension RouteTableStorage {
    struct Slice: BitwiseCopyable {
        var offset: Int32 = 0
        var count: Int32 = 0
    }

    enum AuthorityKind: UInt8, BitwiseCopyable { case any, exact, suffix }
    enum TargetKind: UInt8, BitwiseCopyable { case any, service, services, path, prefix }

    struct Shape: BitwiseCopyable {
        var isOfListener: Bool
        var authority: AuthorityKind
        var target: TargetKind
        /// Labels of a suffix.
        var labels: Int32
        /// Segments of a prefix, names of a package.
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

    /// A key of a route; a route may have several.
    struct Pattern: BitwiseCopyable {
        var authority = Slice()
        var target = Slice()
        /// The exact header values, one after the other, each with its length (4 bytes) in front.
        var values = Slice()
        /// Its place among all that there are; negative for any.
        var listener: Int32
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

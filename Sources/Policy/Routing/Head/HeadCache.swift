// Public, because what is inlined into other modules may name only what was imported so.
public import Bytes

/// Results of recent heads: most calls have an authority and a target that were parsed, and routed, a moment ago.
///
/// A table of fixed size, one per worker, in which a head has one place. Its results are those of parsing again: the bytes are
/// compared in full, and routing results are dropped when the routes change.
@usableFromInline package final class HeadCache {
    private let slots: UnsafeMutablePointer<Slot>

    private static let slotBits = 6
    /// Authority and target together; longer heads are read each time.
    static let bytesMax = 120

    /// A head's place, with what is known if the head that lies there is the same.
    package typealias Place = Record<Slot>

    @usableFromInline package struct Slot {
        /// Negative where the route has not been looked up.
        @usableFromInline var route: Int32 = -1
        @usableFromInline var method: Int32 = 0
        /// By which the route was looked up.
        @usableFromInline var listener: Int16 = -1
        private(set) var authorityCount: UInt8 = 0
        /// Zero in an empty slot.
        private(set) var targetCount: UInt8 = 0
        var hostCount: UInt8 = 0
        private var pathCount: UInt8 = 0
        private var serviceCount: UInt8 = 0
        private var isAmbiguous = false
        private var bytes = InlineArray<120, UInt8>(repeating: 0)

        fileprivate var shape: PathShape {
            PathShape(pathCount: Int(pathCount), serviceCount: Int(serviceCount), isAmbiguous: isAmbiguous)
        }

        @inline(__always)
        fileprivate func isOf(_ authority: BorrowedBytes, _ target: BorrowedBytes) -> Bool {
            guard Int(targetCount) == target.count, Int(authorityCount) == authority.count else { return false }
            return withUnsafeBytes(of: bytes) { own in
                BorrowedBytes(own).holds(target) && BorrowedBytes(own).holds(authority, at: target.count)
            }
        }

        fileprivate mutating func keep(
            _ authority: BorrowedBytes, hostCount: Int, _ target: BorrowedBytes, _ shape: PathShape
        ) {
            route = -1
            authorityCount = UInt8(authority.count)
            targetCount = UInt8(target.count)
            self.hostCount = UInt8(hostCount)
            pathCount = UInt8(shape.pathCount)
            serviceCount = UInt8(shape.serviceCount)
            isAmbiguous = shape.isAmbiguous
            withUnsafeMutableBytes(of: &bytes) { own in
                own.copyMemory(from: target)
                UnsafeMutableRawBufferPointer(rebasing: own[target.count...]).copyMemory(from: authority)
            }
        }

        mutating func invalidateRoute() { route = -1 }
    }

    package init() {
        slots = .allocate(capacity: 1 << Self.slotBits)
        slots.initialize(repeating: Slot(), count: 1 << Self.slotBits)
    }

    deinit { slots.deallocate() }

    /// The routes have changed.
    package func invalidateRoutes() {
        for index in 0..<(1 << Self.slotBits) { slots[index].invalidateRoute() }
    }

    /// The place of a head; `nil` for one that is not remembered.
    @inline(__always)
    func place(of authority: BorrowedBytes, _ target: BorrowedBytes) -> Place? {
        guard target.count >= 8, target.count &+ authority.count <= Self.bytesMax else { return nil }
        // Paths of methods differ at their ends. Heads made to collide cost their own calls one comparison.
        let end = target.loadUnaligned(fromByteOffset: target.count - 8, as: UInt64.self)
        let mixed = (end ^ UInt64(truncatingIfNeeded: target.count &<< 8 ^ authority.count)) &* 0x9e37_79b9_7f4a_7c15
        return Record(slots + Int(truncatingIfNeeded: mixed &>> UInt64(64 - Self.slotBits)))
    }
}

extension Record where Value == HeadCache.Slot {
    /// Whether the head that lies here is this one.
    @inline(__always)
    func isOf(_ authority: BorrowedBytes, _ target: BorrowedBytes) -> Bool { pointee.isOf(authority, target) }

    var shape: PathShape { pointee.shape }

    /// Where this head is routed from a listener, if it has been looked up: the route, and its method entry or a negative number.
    @inlinable @inline(__always)
    package func target(from listener: Int16) -> (route: Int, method: Int)? {
        self.route < 0 || self.listener != listener ? nil : (Int(self.route), Int(self.method))
    }

    @inlinable package func record(route: Int, method: Int, from listener: Int16) {
        self.route = Int32(truncatingIfNeeded: route)
        self.method = Int32(truncatingIfNeeded: method)
        self.listener = listener
    }

    /// Puts another head here.
    func keep(_ authority: BorrowedBytes, hostCount: Int, _ target: BorrowedBytes, _ shape: PathShape) {
        pointee.keep(authority, hostCount: hostCount, target, shape)
    }
}

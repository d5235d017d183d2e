/// A record at a fixed address, as a slab returns it: reads like the value itself (`call.route`), and is changed in place.
///
/// It owns nothing and counts nothing. A record is released to its slab once, by the code that acquired it, and until then every copy of
/// this reference is valid; a reference that may be held longer is kept with the record's generation and compared. Records belong to
/// one thread.
///
/// What a record can do are extensions of `Record` where `Value` is the record, so that a verb can hand the reference on.
///
/// Public and inlinable: nothing generic that is only `package` is specialised in other modules (a hundred times slower).
@frozen @dynamicMemberLookup
public struct Record<Value>: Hashable {
    @usableFromInline let address: UnsafeMutablePointer<Value>

    @inlinable @inline(__always)
    public init(_ address: UnsafeMutablePointer<Value>) { self.address = address }

    /// The record that `opaque` stands for.
    @inlinable @inline(__always)
    public init(opaque: UnsafeMutableRawPointer) { address = opaque.assumingMemoryBound(to: Value.self) }

    /// A record outside of any slab, to be freed by `deallocate`.
    @inlinable
    public static func allocate(_ value: Value) -> Record {
        let address = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        address.initialize(to: value)
        return Record(address)
    }

    @inlinable
    public func deallocate() {
        address.deinitialize(count: 1)
        address.deallocate()
    }

    /// For an untyped context pointer: a timer's, a stream's.
    @inlinable @inline(__always)
    public var opaque: UnsafeMutableRawPointer { UnsafeMutableRawPointer(address) }

    /// The whole value, for initializing and destroying it.
    @inlinable @inline(__always)
    public var pointee: Value {
        unsafeAddress { UnsafePointer(address) }
        nonmutating unsafeMutableAddress { address }
    }

    @inlinable @inline(__always)
    public subscript<Member>(dynamicMember member: KeyPath<Value, Member>) -> Member { address.pointee[keyPath: member] }

    /// A stored property, where it lies: its offset is a constant to the compiler. (A `_modify` through the key path is not always folded, and
    /// then costs 400 instructions.) What can be set but is computed has no place, and stops the process: let it be a method.
    @inlinable @inline(__always)
    public subscript<Member>(dynamicMember member: WritableKeyPath<Value, Member>) -> Member {
        unsafeAddress { UnsafePointer(place(of: member)) }
        nonmutating unsafeMutableAddress { place(of: member) }
    }

    @inlinable @inline(__always)
    func place<Member>(of member: WritableKeyPath<Value, Member>) -> UnsafeMutablePointer<Member> {
        guard let offset = MemoryLayout<Value>.offset(of: member) else {
            fatalError("a computed property has no place in a record")
        }
        return (UnsafeMutableRawPointer(address) + offset).assumingMemoryBound(to: Member.self)
    }

    /// The record of a stored property, for a part that has a life of its own: a place in a queue.
    @inlinable @inline(__always)
    public func part<Member>(_ member: WritableKeyPath<Value, Member>) -> Record<Member> { Record<Member>(place(of: member)) }

    /// The record whose property `member` is `part`.
    @inlinable @inline(__always)
    public init<Member>(around part: Record<Member>, _ member: WritableKeyPath<Value, Member>) {
        guard let offset = MemoryLayout<Value>.offset(of: member) else {
            fatalError("a computed property has no place in a record")
        }
        self.init(opaque: part.opaque - offset)
    }

    @inlinable @inline(__always)
    public static func == (one: Record, other: Record) -> Bool { one.address == other.address }

    @inlinable
    public func hash(into hasher: inout Hasher) { hasher.combine(address) }
}

/// An object that is not counted, neither when the reference is kept nor when the object is read or called: a count is an atomic
/// instruction, and forty of them cost an eighth of a call.
///
/// The object's owner keeps it alive for as long as this may be held: the worker owns snapshots, clusters and endpoints until no
/// call names them. Properties read as the object's own (`call.route.priority`); methods are called within a closure, for whose length the
/// object is lent: `call.route { $0.record(n) }`.
///
/// Public and inlinable: nothing generic that is only `package` is specialised in other modules, and every call reaches the
/// connections of its streams this way, several times.
@frozen @dynamicMemberLookup
public struct Borrowed<Object: AnyObject>: Equatable {
    @usableFromInline let address: UnsafeMutableRawPointer

    @inlinable @inline(__always)
    public init(_ address: UnsafeMutableRawPointer) { self.address = address }

    @inlinable @inline(__always)
    public init(_ object: Object) { self.init(Unmanaged.passUnretained(object).toOpaque()) }

    /// For an untyped context pointer.
    @inlinable @inline(__always)
    public var opaque: UnsafeMutableRawPointer { address }

    /// Counted as long as it is held.
    @inlinable @inline(__always)
    public var object: Object { Unmanaged<Object>.fromOpaque(address).takeUnretainedValue() }

    @inlinable @inline(__always)
    public func callAsFunction<Result>(_ body: (Object) -> Result) -> Result {
        Unmanaged<Object>.fromOpaque(address)._withUnsafeGuaranteedRef(body)
    }

    @inlinable @inline(__always)
    public subscript<Member>(dynamicMember member: KeyPath<Object, Member>) -> Member {
        Unmanaged<Object>.fromOpaque(address)._withUnsafeGuaranteedRef { $0[keyPath: member] }
    }

    @inlinable @inline(__always)
    public subscript<Member>(dynamicMember member: ReferenceWritableKeyPath<Object, Member>) -> Member {
        get { Unmanaged<Object>.fromOpaque(address)._withUnsafeGuaranteedRef { $0[keyPath: member] } }
        nonmutating set { Unmanaged<Object>.fromOpaque(address)._withUnsafeGuaranteedRef { $0[keyPath: member] = newValue } }
    }
}

// It adds nothing to the object but its address.
extension Borrowed: @unchecked Sendable where Object: Sendable {}

/// An object behind an address that a record keeps without counting: lent for the length of a call, and not counted either.
/// The owner of the address keeps the object alive.
///
/// Public and inlinable: nothing generic that is only `package` is specialised in other modules, and every call reaches the
/// connections of its streams this way, several times.
@frozen public struct Borrowed<Object: AnyObject> {
    @usableFromInline let address: UnsafeMutableRawPointer

    @inlinable @inline(__always)
    public init(_ address: UnsafeMutableRawPointer) { self.address = address }

    @inlinable @inline(__always)
    public init(_ object: Object) { self.init(Unmanaged.passUnretained(object).toOpaque()) }

    @inlinable @inline(__always)
    public func callAsFunction<Result>(_ body: (Object) -> Result) -> Result {
        Unmanaged<Object>.fromOpaque(address)._withUnsafeGuaranteedRef(body)
    }
}

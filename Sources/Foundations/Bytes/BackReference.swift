/// A reference from a part to the whole that owns it: uncounted, as `Borrowed` is, and set once, by the whole as soon as it is made.
///
/// To use it before that stops the process.
@frozen @dynamicMemberLookup
public struct BackReference<Whole: AnyObject> {
    @usableFromInline var whole: Borrowed<Whole>?

    @inlinable
    public init() {}

    @inlinable
    public mutating func bind(to whole: Whole) {
        precondition(self.whole == nil, "a part has one whole")
        self.whole = Borrowed(whole)
    }

    @inlinable @inline(__always)
    public var borrowed: Borrowed<Whole> {
        guard let whole else { fatalError("a part is used before its whole is made") }
        return whole
    }

    @inlinable @inline(__always)
    public func callAsFunction<Result>(_ body: (Whole) -> Result) -> Result { borrowed(body) }

    @inlinable @inline(__always)
    public subscript<Member>(dynamicMember member: KeyPath<Whole, Member>) -> Member { borrowed[dynamicMember: member] }
}

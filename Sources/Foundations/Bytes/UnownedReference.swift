/// What `Unmanaged` is for classes, for a class-bound protocol: a reference that counts nothing, neither when it is set nor
/// when its object is called. The object must outlive it: its setter guarantees that.
///
/// An `unowned(unsafe) var` of such a type counts twice a call, because the callee might change the variable; here the
/// call borrows a copy of the reference's words.
@usableFromInline package struct UnownedReference<Existential> {
    /// The object, and the protocol's witness table.
    @usableFromInline var words: (UInt, UInt)

    @inlinable package init(_ object: Existential?) {
        precondition(MemoryLayout<Existential>.size == MemoryLayout<(UInt, UInt)>.size, "a class-bound protocol")
        words = object.map { unsafeBitCast($0, to: (UInt, UInt).self) } ?? (0, 0)
    }

    @inlinable package var isSet: Bool { words.0 != 0 }

    /// With a reference count, for where that does not matter.
    @inlinable package var object: Existential? { isSet ? unsafeBitCast(words, to: Existential.self) : nil }

    /// Does nothing where no object is set.
    @inlinable @inline(__always)
    package func call(_ body: (Existential) -> Void) {
        guard isSet else { return }
        withUnsafePointer(to: words) {
            UnsafeRawPointer($0).assumingMemoryBound(to: BorrowedExistential<Existential>.self).pointee.lend(to: body)
        }
    }
}

/// Not copyable, and so lent without a count.
@usableFromInline struct BorrowedExistential<Existential>: ~Copyable {
    @usableFromInline let object: Existential

    @inlinable init(_ object: Existential) { self.object = object }

    @inlinable @inline(__always)
    borrowing func lend(to body: (Existential) -> Void) { body(object) }
}

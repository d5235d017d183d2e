package import Bytes
package import HTTPModel

/// Claims of a verified token as headers for the upstream: names from the configuration, values rendered once per token.
@usableFromInline package final class ClaimHeaders: Sendable {
    package let headers: [(name: [UInt8], value: [UInt8]?)]
    /// Their names, folded.
    private let names: [[UInt8]]

    /// A `nil` value sends no header; the caller's own copy is removed all the same.
    package init(_ headers: [(name: [UInt8], value: [UInt8]?)]) {
        self.headers = headers
        names = headers.map { $0.name.map { FieldNameSet.folded($0) } }
    }

    /// Whether the caller's field of this name, or one that reads like it, is to be removed.
    package func overwrites(_ name: BorrowedBytes) -> Bool {
        for known in names where FieldNameSet.isSame(name, known) { return true }
        return false
    }
}

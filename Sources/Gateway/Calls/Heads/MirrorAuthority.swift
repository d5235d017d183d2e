package import Bytes
package import HTTPModel

extension RequestHead {
    /// The authority that a mirror is told: `-shadow` behind the host, in the arena of `fields`.
    package static func shadow(_ authority: BorrowedBytes, in fields: inout FieldBlock) -> BorrowedBytes {
        let hostCount = AuthorityGrammar.hostCount(authority)
        var shadow = ByteBuffer(capacity: authority.count + 8)
        shadow.append(BorrowedBytes(rebasing: authority[..<hostCount]))
        shadow.append("-shadow")
        shadow.append(BorrowedBytes(rebasing: authority[hostCount...]))
        return fields.keep(shadow.readable)
    }
}

package import Bytes

/// Names of headers or query parameters: whole ones, and what names may begin with, which is written `x-*`.
package struct NameList: Hashable, Sendable {
    package var names: [[UInt8]] = []
    package var prefixes: [[UInt8]] = []

    package static var countMax: Int { 256 }

    package init(names: [[UInt8]] = [], prefixes: [[UInt8]] = []) {
        self.names = names
        self.prefixes = prefixes
    }

    package func contains(_ name: BorrowedBytes) -> Bool {
        for known in names where known.withUnsafeBytes({ $0.equals(name) }) { return true }
        for prefix in prefixes where name.starts(with: prefix) { return true }
        return false
    }

    package var isEmpty: Bool { names.isEmpty && prefixes.isEmpty }
}

/// `request_query` of a route: which of a caller's query parameters are read behind the gateway, by their decoded names.
package struct QueryChanges: Hashable, Sendable {
    /// `nil` for all.
    package var only: NameList?
    package var remove = NameList()

    package init(only: NameList? = nil, remove: NameList = NameList()) {
        self.only = only
        self.remove = remove
    }

    package var isEmpty: Bool { only == nil && remove.isEmpty }

    package func keeps(_ name: BorrowedBytes) -> Bool { only?.contains(name) ?? true && !remove.contains(name) }
}

package import Bytes
internal import Glibc

/// Something for each authority that routes are written with, found by a request's own.
package struct AuthorityTable<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        var name: [UInt8]
        var value: Value
    }

    /// In the order of their bytes.
    private let exact: [Entry]
    /// Without `*.`, likewise.
    private let suffixes: [Entry]
    private let any: Value?

    package init(_ values: [RouteMatch.Authority: Value]) {
        var exact: [Entry] = []
        var suffixes: [Entry] = []
        for (authority, value) in values {
            switch authority {
            case .any: continue
            case .exact(let name): exact.append(Entry(name: Array(name.utf8), value: value))
            case .suffix(let name): suffixes.append(Entry(name: Array(name.utf8), value: value))
            }
        }
        self.exact = exact.sorted { $0.name.lexicographicallyPrecedes($1.name) }
        self.suffixes = suffixes.sorted { $0.name.lexicographicallyPrecedes($1.name) }
        any = values[.any]
    }

    /// The nearest first, until one is enough.
    package func forEach(of authority: BorrowedBytes, untilEnough isEnough: (Value) -> Bool) {
        if let value = Self.find(authority, in: exact), isEnough(value) { return }
        if !suffixes.isEmpty {
            for place in authority.indices where authority[place] == UInt8(ascii: ".") {
                let suffix = BorrowedBytes(rebasing: authority[(place + 1)...])
                if let value = Self.find(suffix, in: suffixes), isEnough(value) { return }
            }
        }
        if let any { _ = isEnough(any) }
    }

    private static func find(_ name: BorrowedBytes, in entries: [Entry]) -> Value? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            let order = entries[middle].name.withUnsafeBytes { $0.order(before: name) }
            if order == 0 { return entries[middle].value }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}

extension RouteMatch.Authority {
    /// Whether every request that `other` takes is taken, too.
    package func covers(_ other: RouteMatch.Authority) -> Bool {
        switch (self, other) {
        case (.any, _): true
        case (.suffix(let wide), .suffix(let narrow)): narrow == wide || narrow.hasSuffix(".\(wide)")
        case (.suffix(let wide), .exact(let narrow)): narrow.hasSuffix(".\(wide)")
        case (.exact(let wide), .exact(let narrow)): wide == narrow
        default: false
        }
    }
}

package import Bytes

/// The acts of a domain as they were read last, with their version.
///
/// The version counts changes. Two lists of one version may differ where a store has lost changes and others were made since: `lineage`, which
/// is another with every change, tells them apart.
package struct ActList: Sendable, Equatable {
    package var version: UInt64
    package var lineage: String
    package var acts: [TenantAct]
    /// Entries that no gateway of this version can have written; left out.
    package var unreadable: Int

    package static let none = ActList(version: 0, lineage: "", acts: [])

    /// Of a domain; what is beyond is refused when it is to be added.
    package static let actsMax = 2_000
    /// Of all fields and values: a reply of Redis holds no more than a MiB.
    package static let bytesMax = 900_000

    package init(version: UInt64, lineage: String, acts: [TenantAct], unreadable: Int = 0) {
        self.version = version
        self.lineage = lineage
        self.acts = acts
        self.unreadable = unreadable
    }

    /// Adds an entry as the store has it.
    package mutating func add(_ text: UnsafeRawBufferPointer) {
        guard acts.count < Self.actsMax, let act = TenantAct(text) else {
            unreadable += 1
            return
        }
        acts.append(act)
    }

    package func holding(at second: Int64) -> [TenantAct] { acts.filter { $0.holds(at: second) } }

    /// When the next act ends; `nil` where none does.
    package func nextEnd(after second: Int64) -> Int64? { acts.lazy.map(\.until).filter { $0 > second }.min() }

    /// In a process without a store: puts the act in its place.
    package mutating func put(_ act: TenantAct) {
        let field = act.field
        acts.removeAll { $0.field == field }
        acts.append(act)
        version += 1
    }

    package mutating func remove(_ removed: [TenantAct]) {
        let fields = Set(removed.map(\.field))
        acts.removeAll { fields.contains($0.field) }
        version += 1
    }
}

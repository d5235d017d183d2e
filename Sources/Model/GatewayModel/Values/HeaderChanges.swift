internal import Transport

/// `request_headers` or `response_headers` of a route or method.
package struct HeaderChanges: Hashable, Sendable {
    package struct Field: Hashable, Sendable {
        /// In lower case.
        package let name: [UInt8]
        /// The field is not sent where a variable of it has no value and no text instead.
        package let value: CallTemplate

        package init(name: [UInt8], value: CallTemplate) {
            self.name = name
            self.value = value
        }
    }

    /// In place of all fields of their names, in the order written.
    package var set: [Field] = []
    /// Beside what there is.
    package var add: [Field] = []
    /// Names, in lower case.
    package var remove: [[UInt8]] = []

    /// Of `set`, `add` and `remove` together.
    package static var countMax: Int { WorkerContext.headerChangesMax }

    package init(set: [Field] = [], add: [Field] = [], remove: [[UInt8]] = []) {
        self.set = set
        self.add = add
        self.remove = remove
    }

    package var isEmpty: Bool { self.set.isEmpty && add.isEmpty && remove.isEmpty }

    /// These, then those of a method: what it sets takes the place of what its route sets.
    package func followed(by method: HeaderChanges) -> HeaderChanges {
        let names = Set(method.set.map(\.name) + method.remove)
        return HeaderChanges(
            set: self.set.filter { !names.contains($0.name) } + method.set,
            add: add.filter { !names.contains($0.name) } + method.add,
            remove: remove.filter { name in !method.set.contains { $0.name == name } }
                + method.remove.filter { !remove.contains($0) })
    }
}

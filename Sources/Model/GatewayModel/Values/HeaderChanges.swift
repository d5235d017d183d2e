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

    /// Of the peer's fields those that go further, beside what HTTP and the protocol of the call need; `nil` for all.
    package var only: NameList?
    /// In place of all fields of their names, in the order written.
    package var set: [Field] = []
    /// Beside what there is.
    package var add: [Field] = []
    /// Names, in lower case.
    package var remove: [[UInt8]] = []

    /// Of `set`, `add` and `remove` together.
    package static var countMax: Int { WorkerContext.headerChangesMax }

    /// What `only` never leaves out of requests: what describes the body, what is the protocol's, and what trusted proxies say of the
    /// request, which of everyone else was removed before.
    package static let alwaysInRequests = NameList(
        names: bodyNames + ["forwarded", "x-real-ip"].map { Array($0.utf8) },
        prefixes: protocolPrefixes + [Array("x-forwarded-".utf8)])
    /// The same of responses, and when they were made, which caches have to know (RFC 9110, section 6.6.1).
    package static let alwaysInResponses = NameList(names: bodyNames + [Array("date".utf8)], prefixes: protocolPrefixes)

    private static let bodyNames = ["content-type", "content-length", "content-encoding", "content-range"].map { Array($0.utf8) }
    private static let protocolPrefixes = [":", "grpc-", "connect-"].map { Array($0.utf8) }

    package init(only: NameList? = nil, set: [Field] = [], add: [Field] = [], remove: [[UInt8]] = []) {
        self.only = only
        self.set = set
        self.add = add
        self.remove = remove
    }

    package var isEmpty: Bool { only == nil && self.set.isEmpty && add.isEmpty && remove.isEmpty }

    /// These, then those of a method: what it sets takes the place of what its route sets, and its `only` that of its route's.
    package func followed(by method: HeaderChanges) -> HeaderChanges {
        let names = Set(method.set.map(\.name) + method.remove)
        return HeaderChanges(
            only: method.only ?? only,
            set: self.set.filter { !names.contains($0.name) } + method.set,
            add: add.filter { !names.contains($0.name) } + method.add,
            remove: remove.filter { name in !method.set.contains { $0.name == name } }
                + method.remove.filter { !remove.contains($0) })
    }
}

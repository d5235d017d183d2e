package import Bytes
package import GatewayModel
package import HTTPModel

/// `request_headers` or `response_headers` of a route or method, made ready: names with their tokens, at fixed addresses.
@usableFromInline package final class HeaderRules: Sendable {
    package struct Rule: Sendable {
        package let name: [UInt8]
        package let token: FieldToken
        package let value: CallTemplate
    }

    /// Those that replace before those that add, in the order written.
    package let rules: [Rule]
    /// Of fields that go no further: those that are replaced, and those that are removed.
    private let dropped: [[UInt8]]
    /// The lengths that these have, as bits; the last stands for all that are longer.
    private let droppedLengths: UInt64
    /// Of the peer's fields those that go further, what always does among them; `nil` for all.
    private let kept: [NameList]?
    /// There is an `only`: asked for every field without counting references.
    private let isList: Bool
    /// A value names the cluster that serves the call.
    package let namesCluster: Bool

    /// - Parameter always: what `only` never leaves out.
    /// - Returns: `nil` where there is nothing to do.
    package init?(_ changes: HeaderChanges, always: NameList) {
        guard !changes.isEmpty else { return nil }
        func rule(_ field: HeaderChanges.Field) -> Rule {
            Rule(
                name: field.name, token: field.name.withUnsafeBytes { FieldToken($0) }, value: field.value)
        }
        rules = (changes.set + changes.add).map(rule)
        namesCluster = rules.contains { $0.value.parts.contains { if case .variable(.cluster, _) = $0 { true } else { false } } }
        dropped = (changes.set.map(\.name) + changes.remove).map { $0.map { FieldNameSet.folded($0) } }
        kept = changes.only.map { [always, $0] }
        isList = changes.only != nil
        droppedLengths = dropped.reduce(0) { $0 | Self.bit($1.count) }
    }

    package func drops(_ name: [UInt8]) -> Bool { name.withUnsafeBytes { drops($0) } }

    package func drops(_ field: Field) -> Bool { drops(field.nameBytes) }

    /// Whether a field that the peer has sent goes no further: what the gateway writes is not asked.
    package func dropsOfPeer(_ field: Field) -> Bool { isList && leavesOut(field) || drops(field) }

    /// Whether `only` leaves it out.
    package func leavesOut(_ field: Field) -> Bool {
        guard let kept else { return false }
        for list in kept where list.contains(field.nameBytes) { return false }
        return true
    }

    private static func bit(_ count: Int) -> UInt64 { 1 << UInt64(min(count, 63)) }

    /// Also a name that servers cannot tell from one of them, such as `x_team` (`FieldNameSet`).
    private func drops(_ name: BorrowedBytes) -> Bool {
        guard droppedLengths & Self.bit(name.count) != 0 else { return false }
        for known in dropped where FieldNameSet.isSame(name, known) { return true }
        return false
    }
}

internal import Bytes
internal import HTTPModel
internal import Snapshots

extension ClaimHeaders {
    /// - Parameter rules: drop what the route says itself, or removes.
    func write(to writer: inout FieldWriter, without rules: Borrowed<HeaderRules>?) {
        for header in headers {
            guard let value = header.value else { continue }
            if let rules, rules({ $0.drops(header.name) }) { continue }
            header.name.withUnsafeBytes { name in
                // Claim values rarely repeat: no entry of the table is worth it.
                value.withUnsafeBytes { writer.copy(name: name, value: $0, flags: .borrowedNeverIndexed) }
            }
        }
    }
}

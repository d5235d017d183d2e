internal import Bytes
internal import HTTPModel
internal import Snapshots

extension ClaimHeaders {
    func write(to writer: inout FieldWriter) {
        for header in headers {
            guard let value = header.value else { continue }
            header.name.withUnsafeBytes { name in
                // Who calls is as varied as tokens are: no entry of the table is worth it.
                value.withUnsafeBytes { writer.copy(name: name, value: $0, flags: .borrowedNeverIndexed) }
            }
        }
    }
}

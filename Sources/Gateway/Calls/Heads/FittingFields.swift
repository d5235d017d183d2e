internal import Bytes
package import HTTPModel

extension FieldList {
    /// What of a local reply's fields a caller takes: how the call ended above all, the rest in its order.
    ///
    /// - Parameters:
    ///   - bytesMax: of the list, as the caller has said (RFC 9113, section 6.5.2).
    ///   - scratch: where the fields lie, and those that stay move up.
    package func fitting(_ bytesMax: Int, scratch: FieldScratch) -> FieldList {
        guard bytesMax < .max, listBytes > bytesMax else { return self }
        func isEssential(_ field: Field) -> Bool {
            switch field.token {
            case .status, .contentType, .contentLength, .grpcStatus: true
            default: false
            }
        }
        func bytes(_ field: Field) -> Int { field.nameCount + field.valueCount + 32 }
        var room = bytesMax
        for field in self where isEssential(field) { room -= bytes(field) }
        var count = 0
        for field in self {
            if !isEssential(field) {
                guard bytes(field) <= room else { continue }
                room -= bytes(field)
            }
            scratch[count] = field
            count += 1
        }
        return FieldList(rebasing: scratch[..<count])
    }
}

internal import Bytes
internal import HTTPModel
internal import Transport

extension FieldList {
    /// What of a local reply's fields the caller on `stream` takes: how the call ended above all, the rest in its order.
    ///
    /// - Parameter scratch: where the fields lie, and those that stay move up.
    func fitting(_ stream: StreamPointer, scratch: FieldScratch) -> FieldList {
        let bytesMax = stream.connection { $0.peerFieldListBytesMax }
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

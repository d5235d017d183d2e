/// Writes questions.
package enum MessageWriter {
    /// What fits into one packet on every path (DNS flag day 2020): larger answers come over TCP.
    package static let payloadBytesMax: UInt16 = 1232

    /// One question, recursion desired.
    ///
    /// - Parameter isExtended: with the OPT record of EDNS0, which lets answers be longer than 512 bytes.
    package static func query(_ question: Question, id: UInt16, isExtended: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(12 + question.name.wire.count + 4 + 11)
        append(id, to: &bytes)
        append(0x0100, to: &bytes)
        for count in [1, 0, 0, isExtended ? 1 : 0] as [UInt16] { append(count, to: &bytes) }
        bytes += question.name.wire
        append(question.type.rawValue, to: &bytes)
        append(1, to: &bytes)
        guard isExtended else { return bytes }
        bytes.append(0)
        append(RecordType.opt.rawValue, to: &bytes)
        append(payloadBytesMax, to: &bytes)
        // Extended code, version and flags, and no options.
        bytes += [0, 0, 0, 0, 0, 0]
        return bytes
    }

    private static func append(_ value: UInt16, to bytes: inout [UInt8]) {
        bytes.append(UInt8(value >> 8))
        bytes.append(UInt8(value & 0xff))
    }
}

package import Bytes

/// A unary call by GET, its message in the query (Connect, "Unary-Get-Request"). The slices point into the query.
package struct ConnectQuery {
    /// `json` or `proto`, or what is not known.
    package private(set) var encoding: UnsafeRawBufferPointer
    /// Empty where the message is not compressed.
    package private(set) var compression = UnsafeRawBufferPointer(start: nil, count: 0)
    private var message: UnsafeRawBufferPointer
    private var isBase64 = false

    /// `nil` where the query is none of Connect's: that has an encoding and a message, each once.
    package init?(_ query: UnsafeRawBufferPointer) {
        var encoding: UnsafeRawBufferPointer?
        var message: UnsafeRawBufferPointer?
        var isBase64 = false
        for parameter in query.split(separator: UInt8(ascii: "&")) {
            let parameter = UnsafeRawBufferPointer(rebasing: parameter)
            guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = UnsafeRawBufferPointer(rebasing: parameter[..<equals])
            let value = UnsafeRawBufferPointer(rebasing: parameter[(equals + 1)...])
            if name.equals("encoding") {
                guard encoding == nil else { return nil }
                encoding = value
            } else if name.equals("message") {
                guard message == nil else { return nil }
                message = value
            } else if name.equals("base64") {
                isBase64 = value.equals("1")
            } else if name.equals("compression"), !value.equals("identity") {
                compression = value
            }
        }
        guard let encoding, let message else { return nil }
        self.encoding = encoding
        self.message = message
        self.isBase64 = isBase64
    }

    /// Appends the message, not decompressed; false where it is no percent encoding or no base64.
    package func append(to buffer: inout ByteBuffer, scratch: inout ByteBuffer) -> Bool {
        scratch.removeAll()
        // A plus is a space in a query; a percent sign stands before every other byte that could not stand for itself.
        for part in message.split(separator: UInt8(ascii: "+"), omittingEmptySubsequences: false) {
            if part.startIndex > 0 { scratch.append(byte: 0x20) }
            guard PercentCoding.decode(UnsafeRawBufferPointer(rebasing: part), into: &scratch) else { return false }
        }
        guard isBase64 else {
            buffer.append(scratch.readable)
            return true
        }
        var text = scratch.readable
        while text.last == UInt8(ascii: "=") { text = UnsafeRawBufferPointer(rebasing: text.dropLast()) }
        return Base64.decodeURL(text, into: &buffer)
    }
}

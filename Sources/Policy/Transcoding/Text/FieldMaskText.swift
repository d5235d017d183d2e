/// The names of `google.protobuf.FieldMask`: lowerCamelCase in JSON, snake_case on the wire.
enum FieldMaskText {
    /// Appends one path in snake_case; `false` where it has an underscore or a capital's byte no letter can follow.
    static func writeSnakeCase(_ start: UnsafePointer<UInt8>, _ count: Int, to output: inout Output) -> Bool {
        for index in 0..<count {
            let byte = start[index]
            if byte == UInt8(ascii: "_") { return false }
            if byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") {
                output.byte(UInt8(ascii: "_"))
                output.byte(byte | 0x20)
            } else {
                output.byte(byte)
            }
        }
        return true
    }

    /// Appends one path in lowerCamelCase; `false` where it would not come back the same.
    static func writeCamelCase(_ path: UnsafeRawBufferPointer, to output: inout Output) -> Bool {
        var raise = false
        for byte in path {
            if byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") { return false }
            if raise {
                guard byte >= UInt8(ascii: "a"), byte <= UInt8(ascii: "z") else { return false }
                output.byte(byte & 0xDF)
                raise = false
            } else if byte == UInt8(ascii: "_") {
                raise = true
            } else {
                guard byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else { return false }
                output.byte(byte)
            }
        }
        return !raise
    }
}

extension FieldBlock {
    /// A field whose bytes lie in this arena, of a name in lower case.
    package mutating func keepField(_ name: String, _ value: String, flags: Field.Flags = .borrowed) -> Field {
        var (name, value) = (name, value)
        return name.withUTF8 { name in
            let name = UnsafeRawBufferPointer(name)
            return value.withUTF8 { value in
                keepField(name: name, value: UnsafeRawBufferPointer(value), token: FieldToken(name), flags: flags)
            }
        }
    }
}

package import HTTPModel

extension FieldBlock {
    /// Fields whose bytes, and whose array, lie in this arena, as codecs want them.
    package mutating func keepFields(_ fields: [(String, String)]) -> UnsafeMutableBufferPointer<Field> {
        let array = reserveFields(fields.count)
        for (index, (name, value)) in fields.enumerated() { array.initializeElement(at: index, to: keepField(name, value)) }
        return array
    }
}

package import Bytes

extension Field {
    /// The value where it is decimal digits and nothing else, as of `:status`, content-length and grpc-previous-rpc-attempts.
    package var number: Untrusted<UInt64>? { Untrusted(decimal: valueBytes) }
}

extension FieldBlock {
    /// The number of `:status`, of three digits (RFC 9110, section 15); 0 where there is none.
    @inlinable @inline(__always)
    package var status: Int {
        guard let field = first(.status), field.valueCount == 3 else { return 0 }
        let (hundreds, tens, ones) = (field.value[0] &- 0x30, field.value[1] &- 0x30, field.value[2] &- 0x30)
        guard max(hundreds, tens, ones) <= 9 else { return 0 }
        return Int(hundreds) &* 100 &+ Int(tens) &* 10 &+ Int(ones)
    }
}

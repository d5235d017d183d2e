package import Bytes

extension Field {
    /// The value where it is decimal digits and nothing else, as of `:status`, content-length and grpc-previous-rpc-attempts.
    package var number: Untrusted<UInt64>? { Untrusted(decimal: valueBytes) }
}

extension FieldBlock {
    /// The number of `:status`, of three digits (RFC 9110, section 15); 0 where there is none.
    package var status: Int {
        guard let field = first(.status), field.valueCount == 3 else { return 0 }
        return field.number?.exactly(as: Int.self) ?? 0
    }
}

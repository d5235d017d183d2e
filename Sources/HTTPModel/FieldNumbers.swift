package import Bytes

extension Field {
    /// The value where it is decimal digits and nothing else, as of `:status`, content-length and grpc-previous-rpc-attempts.
    package var number: Untrusted<UInt64>? { Untrusted(decimal: valueBytes) }
}

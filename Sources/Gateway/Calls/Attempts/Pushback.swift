package import Bytes
package import HTTPModel

/// What a backend says of another attempt in `grpc-retry-pushback-ms` (gRFC A6).
package enum Pushback: Equatable {
    case none
    /// Not before, and not after either.
    case after(Duration)
    /// A negative number, or no number.
    case never

    /// Longer pushbacks are not waited for here: they are passed on, and the caller can obey them.
    private static let longestMilliseconds: UInt64 = 30_000

    package init(_ field: BorrowedBytes?) {
        guard let field else { self = .none; return }
        guard let count = Decimal.read(field), count.exactly(in: 0...Self.longestMilliseconds) != nil else {
            self = .never
            return
        }
        self = .after(.milliseconds(count.clamped(as: Int64.self)))
    }

    /// - Parameter start: where the head or the trailers begin.
    package init(in stream: StreamPointer, from start: Int) {
        self.init(stream.fields.first(.grpcRetryPushback, from: start)?.valueBytes)
    }
}

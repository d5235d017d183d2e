package import Bytes
package import GRPC

/// What stands between a caller that does not speak gRPC and an upstream that does: one for each such call, none for a
/// native call.
///
/// The caller's head was made into gRPC's when the bridge was built (`BridgedRequest`); from then on it is a gRPC
/// call to filters and upstream, and only bodies, the answer's head and its end pass here (the gateway's `Bridges`).
@usableFromInline package final class Bridge {
    package let converter: any BodyConverter
    /// `converter`, where an HTTP request means the call by a schema.
    package let json: JSONConverter?
    /// Of the converter, where the caller has JSON.
    package let pair: TranscoderPair?
    /// The caller can read gzip.
    package let acceptsGzip: Bool
    /// Of a request whose body is compressed as a whole.
    package var requestInflater: BodyInflater?
    /// Of an answer with compressed messages, which are read here, or which the caller could not read.
    package var answerInflater: FrameInflater?
    /// The answer's head says how messages are compressed that are.
    package var answerIsEncoded = false
    /// Of an answer whose body is compressed as a whole while it comes.
    package var answerDeflater: BodyDeflater?
    /// What converted bytes are written to; empty between two events.
    package var output = ByteBuffer()
    /// An answer whose head waits for the call's end, because its HTTP status does.
    package var answer = ByteBuffer()
    /// Why the call cannot be converted: told behind the limits, to those who may make it. A bridge with a failure leads nowhere: it takes
    /// what comes of the body, and gives the window back.
    package var failure: RefusalCause?
    /// The caller did not say what its body is: then there may be none.
    package var refusesBody = false
    /// The caller asks for the head only.
    package var isHead = false
    package var requestFlow = Flow()
    package var answerFlow = Flow()

    /// What of `output` is kept for the next event.
    package static let outputBytesKept = 4096

    package init(
        _ converter: any BodyConverter, json: JSONConverter? = nil, pair: TranscoderPair? = nil, acceptsGzip: Bool = false
    ) {
        self.converter = converter
        self.json = json
        self.pair = pair
        self.acceptsGzip = acceptsGzip
    }

    /// One direction's bytes before and after conversion, so that a window is given back as the other side takes them:
    /// what is not given back is never less than what waits, converted, to be taken.
    @usableFromInline package struct Flow {
        @usableFromInline var received = 0
        @usableFromInline var written = 0
        @usableFromInline var taken = 0
        @usableFromInline var returned = 0

        @inlinable package mutating func convert(_ before: Int, to after: Int) {
            received += before
            written += after
        }

        /// - Returns: how many of the received bytes are to be given back now.
        @inlinable package mutating func take(_ count: Int) -> Int {
            taken += count
            let due = max(0, received - (written - taken) - returned)
            returned += due
            return due
        }

        /// What was taken is to be taken once more, by another attempt.
        package mutating func beginAgain() { taken = 0 }
    }
}

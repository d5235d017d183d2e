package import Bytes
package import Compression
package import GRPC

/// What a worker compresses and reads compressed bodies with.
package struct CompressionPool: ~Copyable {
    /// For single messages, one at a time.
    package private(set) lazy var gzip = MessageGzip()
    /// What comes of a piece of a body; empty between two.
    package var plain = ByteBuffer(capacity: 16)

    private var idleInflaters: [BodyInflater] = []
    private var idleDeflaters: [BodyDeflater] = []
    private var inflaterCount = 0
    private var deflaterCount = 0
    /// Where what is held for bodies counts; `nil` before there is a worker.
    package var memory: ChunkPool?

    package init() {}

    /// What can be read here, as a refusal names it.
    package static var readableEncodings: String { "gzip, identity" }

    /// Bodies that are read at the same time, each by some 40 KB.
    package static var inflatersMax: Int { 1024 }
    /// Answers that are compressed as they come at the same time; others go as they are.
    package static var deflatersMax: Int { 256 }
    private static var idleMax: Int { 16 }
    /// What of `plain` is kept for the next piece.
    private static var plainBytesKept: Int { 64 << 10 }

    /// `nil` where too many are in use.
    package mutating func takeInflater(bytesMax: Int) -> BodyInflater? {
        guard inflaterCount < Self.inflatersMax else { return nil }
        inflaterCount += 1
        memory?.charge(BodyInflater.bytes)
        let inflater = idleInflaters.popLast() ?? BodyInflater()
        inflater.begin(bytesMax: bytesMax)
        return inflater
    }

    package mutating func give(_ inflater: BodyInflater) {
        inflaterCount -= 1
        memory?.charge(-BodyInflater.bytes)
        if idleInflaters.count < Self.idleMax { idleInflaters.append(inflater) }
    }

    /// `nil` where too many are in use.
    package mutating func takeDeflater() -> BodyDeflater? {
        guard deflaterCount < Self.deflatersMax else { return nil }
        deflaterCount += 1
        memory?.charge(BodyDeflater.bytes)
        let deflater = idleDeflaters.popLast() ?? BodyDeflater()
        deflater.begin()
        return deflater
    }

    package mutating func give(_ deflater: BodyDeflater) {
        deflaterCount -= 1
        memory?.charge(-BodyDeflater.bytes)
        if idleDeflaters.count < Self.idleMax { idleDeflaters.append(deflater) }
    }

    package mutating func emptyPlain() {
        plain.removeAll()
        plain.shrink(to: Self.plainBytesKept)
    }
}

/// Reads one body that is compressed as a whole, as it comes.
package final class BodyInflater {
    private var inflater = Inflater(InflateLimits(outputBytesMax: 0))

    /// What one holds.
    package static var bytes: Int { 40 << 10 }

    package func begin(bytesMax: Int) { inflater.reset(InflateLimits(outputBytesMax: bytesMax)) }

    package func feed(_ bytes: BorrowedBytes, into buffer: inout ByteBuffer) throws(ConversionFailure) {
        do throws(InflateFailure) { try inflater.inflate(bytes, into: &buffer) } catch { throw ConversionFailure(error) }
    }

    package func end() throws(ConversionFailure) {
        guard inflater.isAtEnd else { throw ConversionFailure(InflateFailure.malformed) }
    }
}

/// Compresses one body as a whole, as it comes.
package final class BodyDeflater {
    private var deflater = Deflater(.small)

    /// What one holds.
    package static var bytes: Int { 70 << 10 }

    package func begin() { deflater.reset() }

    /// Whatever was given can be read at once.
    package func feed(_ bytes: BorrowedBytes, isLast: Bool, into buffer: inout ByteBuffer) {
        deflater.deflate(bytes, isLast ? .end : .now, into: &buffer)
    }

    /// More is expected at once, or `feed` with no bytes.
    package func hold(_ bytes: BorrowedBytes, into buffer: inout ByteBuffer) { deflater.deflate(bytes, .more, into: &buffer) }
}

extension ConversionFailure {
    /// Of the caller's bytes.
    package init(_ failure: InflateFailure) {
        switch failure {
        case .malformed: self.init(.malformedMessage(field: "", problem: "no gzip, or not all of it"))
        case .tooLarge(let bytesMax): self.init(.messageTooLarge(bytesMax: bytesMax))
        case .tooDense(let ratioMax): self.init(.compressedTooMuch(ratioMax: ratioMax))
        }
    }
}

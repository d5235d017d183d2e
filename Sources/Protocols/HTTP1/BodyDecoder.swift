internal import Bytes
internal import HTTPModel

/// How a message says where its body ends (RFC 9112, section 6.3).
package enum BodyFraming: Equatable, Sendable {
    case none
    case length(UInt64)
    case chunked
    /// Responses only: the body ends with the connection.
    case untilClose
}

/// A body on its way in.
///
///     chunkSize ─▶ chunkData ─▶ chunkEnd ─▶ chunkSize … ─▶ trailers ─▶ done        (chunked)
///     counted ─▶ done                                                               (length)
///     untilClose                                                                    (until the connection ends)
struct BodyDecoder {
    enum Step {
        case incomplete(next: Int)
        case bytes(Range<Int>)
        /// Trailers, if any, were appended to the block.
        case end(next: Int)
    }

    private enum Phase {
        case done
        case counted(left: UInt64)
        case untilClose
        case chunkSize
        case chunkData(left: UInt64)
        case chunkEnd
        case trailers
    }

    private var phase: Phase
    private var bytesLeft: UInt64
    private var extensionBytesLeft: Int
    private var scanner = LineScanner()
    private var trailers: FieldSection
    /// Some servers repeat the length behind an answer's body, whose chunks have framed it already: such a field is dropped.
    private let isAnswer: Bool

    init(_ framing: BodyFraming, _ limits: HTTP1Limits, isAnswer: Bool = false) throws(HTTP1Failure) {
        self.isAnswer = isAnswer
        bytesLeft = limits.bodyBytesMax ?? .max
        extensionBytesLeft = limits.chunkExtensionBytesMax
        trailers = FieldSection(limits, isHead: false)
        switch framing {
        case .none: phase = .done
        case .length(0): phase = .done
        case .length(let count):
            if count > bytesLeft { throw .bodyTooLarge }
            phase = .counted(left: count)
        case .chunked: phase = .chunkSize
        case .untilClose: phase = .untilClose
        }
    }

    /// More trailers came than are kept.
    var trailersAreTooLarge: Bool { trailers.isTooLarge }

    /// Whether the connection may end here without cutting the body short.
    var mayEndWithConnection: Bool {
        switch phase {
        case .done, .untilClose: true
        default: false
        }
    }

    mutating func next(
        _ input: UnsafeRawBufferPointer, from start: Int, into fields: inout FieldBlock
    ) throws(HTTP1Failure) -> Step {
        var offset = start
        while true {
            switch phase {
            case .done:
                return .end(next: offset)
            case .counted(let left):
                guard offset < input.count else { return .incomplete(next: offset) }
                let (range, rest) = Self.take(left, from: offset, of: input.count)
                phase = rest == 0 ? .done : .counted(left: rest)
                return .bytes(range)
            case .untilClose:
                guard offset < input.count else { return .incomplete(next: offset) }
                _ = try charge(Untrusted(input.count - offset))
                return .bytes(offset..<input.count)
            case .chunkSize:
                guard let line = try nextChunkLine(input, from: offset) else { return .incomplete(next: offset) }
                let size = try charge(try chunkSize(input.part(line)))
                offset = line.upperBound + 2
                phase = size == 0 ? .trailers : .chunkData(left: size)
            case .chunkData(let left):
                guard offset < input.count else { return .incomplete(next: offset) }
                let (range, rest) = Self.take(left, from: offset, of: input.count)
                phase = rest == 0 ? .chunkEnd : .chunkData(left: rest)
                return .bytes(range)
            case .chunkEnd:
                if offset < input.count, input[offset] != 0x0D { throw .badChunkEnd }
                guard input.count - offset >= 2 else { return .incomplete(next: offset) }
                if input[offset + 1] != 0x0A { throw .badChunkEnd }
                offset += 2
                phase = .chunkSize
            case .trailers:
                switch try trailers.next(input, from: offset, into: &fields) {
                case .incomplete:
                    return .incomplete(next: offset)
                case .field(let field, let next):
                    if isAnswer, field.token == .contentLength {
                        if fields.all.last?.token == .contentLength { fields.removeLast() }
                    } else if Self.isForbidden(field.token) {
                        throw .forbiddenTrailer
                    }
                    offset = next
                case .end(let next):
                    phase = .done
                    return .end(next: next)
                }
            }
        }
    }

    /// Those of the bytes at hand that belong to the body or chunk, and how many are to come behind them.
    private static func take(_ left: UInt64, from offset: Int, of count: Int) -> (range: Range<Int>, rest: UInt64) {
        let taken = Untrusted<Int>(left).clamped(to: 0...(count - offset))
        return (offset..<(offset + taken), left - UInt64(taken))
    }

    /// Takes so many bytes from what the body may still have.
    private mutating func charge(_ count: Untrusted<UInt64>) throws(HTTP1Failure) -> UInt64 {
        guard let count = count.exactly(in: 0...bytesLeft) else { throw .bodyTooLarge }
        bytesLeft -= count
        return count
    }

    /// 15 digits reach 2⁶⁰; a line of digits and extensions.
    private static let sizeDigitsMax = 15

    private mutating func nextChunkLine(
        _ input: UnsafeRawBufferPointer, from offset: Int
    ) throws(HTTP1Failure) -> Range<Int>? {
        try scanner.next(
            input, from: offset, max: Self.sizeDigitsMax + extensionBytesLeft, tooLong: .chunkExtensionsTooLarge)
    }

    /// `chunk-size [ chunk-ext ]`. Extensions are checked for control characters and otherwise ignored (section 7.1.1).
    private mutating func chunkSize(_ line: UnsafeRawBufferPointer) throws(HTTP1Failure) -> Untrusted<UInt64> {
        var size = Untrusted<UInt64>(0)
        var index = 0
        while index < line.count, let digit = PercentCoding.hexDigit(line[index]) {
            if index == Self.sizeDigitsMax { throw .badChunkSize }
            size = size.appending(digit: digit, radix: 16)
            index += 1
        }
        guard index > 0 else { throw .badChunkSize }
        if index == line.count { return size }
        extensionBytesLeft -= line.count - index
        if extensionBytesLeft < 0 { throw .chunkExtensionsTooLarge }
        while index < line.count, line[index] == 0x20 || line[index] == 0x09 { index += 1 }
        guard index < line.count, line[index] == UInt8(ascii: ";") else { throw .badChunkSize }
        while index < line.count {
            guard HTTPGrammar.isFieldValue(line[index]) else { throw .badChunkSize }
            index += 1
        }
        return size
    }

    /// Trailers never frame, route or authenticate (RFC 9110, section 6.5.1).
    private static func isForbidden(_ token: FieldToken) -> Bool {
        switch token {
        case .transferEncoding, .contentLength, .host, .connection, .te, .trailer, .upgrade, .expect, .authorization,
            .proxyAuthorization, .proxyAuthenticate,
            .contentEncoding, .contentType, .cookie:
            true
        default:
            false
        }
    }
}

internal import Bytes
package import HTTPModel

/// A response's status line and what its fields mean to the connection. Its fields are in the block it was read into.
package struct ResponseHead: Equatable, Sendable {
    package let status: Int
    package let version: HTTP1Version
    package internal(set) var body: BodyFraming
    /// Whether another request may be sent on this connection once the body has ended.
    package internal(set) var keepsAlive: Bool
}

/// Reads the responses of one client connection, strictly (RFC 9112).
///
///     idle ──expect──▶ statusLine ─▶ fields ─▶ body ─▶ idle
///                          ▲            │ 1xx
///                          └────────────┘
///
/// Used as `RequestReader` is. Unrequested bytes are an error: on a connection that is used again they would be
/// taken for the next request's answer.
package struct ResponseReader {
    package enum Event: Equatable {
        case needsMore
        /// An interim response: reset the block, another head follows.
        case interim
        case head
        /// These bytes of the input are body; they are consumed with the step, so use them first.
        case body(Range<Int>)
        case end
    }

    package struct Step {
        package let event: Event
        package let consumed: Int
    }

    package private(set) var head = ResponseHead(status: 0, version: .http11, body: .none, keepsAlive: false)
    package let limits: HTTP1Limits
    /// The head that was read last, or the trailers behind it, were larger than what is kept, and read to their end.
    package private(set) var isTooLarge = false

    private enum Phase {
        case idle
        case statusLine
        case fields
        case body(BodyDecoder)
        case failed(HTTP1Failure)
    }

    private var phase = Phase.idle
    private var scanner = LineScanner()
    /// Of the head; it changes with every line, and so lies beside the phase.
    private var section: FieldSection
    private var framing = MessageFraming()
    private var isHead = false
    private var interimLeft = 0

    package init(limits: HTTP1Limits = HTTP1Limits()) {
        self.limits = limits
        section = FieldSection(limits)
    }

    package var isIdle: Bool {
        if case .idle = phase { true } else { false }
    }

    /// A request was sent: its response comes next. Only while idle.
    package mutating func expect(method: HTTPMethod) {
        precondition(isIdle, "one response at a time")
        phase = .statusLine
        isHead = method == .head
        interimLeft = limits.interimResponsesMax
    }

    package mutating func next(
        _ input: UnsafeRawBufferPointer, into fields: inout FieldBlock
    ) throws(HTTP1Failure) -> Step {
        do throws(HTTP1Failure) {
            return try advance(input, into: &fields)
        } catch {
            phase = .failed(error)
            throw error
        }
    }

    /// The connection ended, and every byte before that was consumed: `.end` where that ends a body, `.needsMore` while
    /// idle, otherwise the response was cut short. `unconsumed` bytes are part of something unfinished.
    package mutating func connectionEnded(unconsumed: Int) throws(HTTP1Failure) -> Event {
        switch phase {
        case .idle where unconsumed == 0:
            return .needsMore
        case .body(let decoder) where decoder.mayEndWithConnection && unconsumed == 0:
            phase = .idle
            return .end
        case .failed(let failure):
            throw failure
        default:
            phase = .failed(.truncated)
            throw .truncated
        }
    }

    private mutating func advance(
        _ input: UnsafeRawBufferPointer, into fields: inout FieldBlock
    ) throws(HTTP1Failure) -> Step {
        var offset = 0
        while true {
            switch phase {
            case .failed(let failure):
                throw failure
            case .idle:
                if !input.isEmpty { throw .unsolicitedResponse }
                return Step(event: .needsMore, consumed: 0)
            case .statusLine:
                guard
                    let line = try scanner.next(
                        input, from: offset, max: limits.startLineBytesMax, tooLong: .malformedStatusLine)
                else { return Step(event: .needsMore, consumed: offset) }
                offset = line.upperBound + 2
                framing = MessageFraming()
                head = try Self.parseStatusLine(input.part(line))
                section = FieldSection(limits)
                phase = .fields
            case .fields:
                switch try section.next(input, from: offset, into: &fields) {
                case .incomplete:
                    return Step(event: .needsMore, consumed: offset)
                case .field(let field, let next):
                    // Expect means nothing in a response.
                    if field.token != .expect { try framing.record(field) }
                    offset = next
                case .end(let next):
                    isTooLarge = section.isTooLarge
                    return Step(event: try finishHead(), consumed: next)
                }
            case .body(var decoder):
                let step = try decoder.next(input, from: offset, into: &fields)
                phase = .body(decoder)
                switch step {
                case .incomplete(let next):
                    return Step(event: .needsMore, consumed: next)
                case .bytes(let range):
                    return Step(event: .body(range), consumed: range.upperBound)
                case .end(let next):
                    if decoder.trailersAreTooLarge { isTooLarge = true }
                    phase = .idle
                    return Step(event: .end, consumed: next)
                }
            }
        }
    }

    /// `HTTP-version SP status-code SP [ reason-phrase ]`; the second space is often left out with an empty reason, and
    /// nothing can hide there.
    private static func parseStatusLine(_ line: UnsafeRawBufferPointer) throws(HTTP1Failure) -> ResponseHead {
        guard line.count >= 12, line[8] == 0x20, let version = try HTTP1Version.parse(line.part(0..<8)),
            let status = Decimal.read(line.part(9..<12))?.exactly(in: 100...599),
            line.count == 12 || line[12] == 0x20
        else { throw .malformedStatusLine }
        for index in 12..<line.count where !HTTPGrammar.isFieldValue(line[index]) { throw .malformedStatusLine }
        return ResponseHead(status: Int(status), version: version, body: .none, keepsAlive: false)
    }

    private mutating func finishHead() throws(HTTP1Failure) -> Event {
        try framing.check(head.version)
        if head.status < 200 { return try finishInterim() }
        head.keepsAlive = framing.keepsAlive(head.version)
        head.body = bodyFraming()
        if head.body == .untilClose { head.keepsAlive = false }
        phase = .body(try BodyDecoder(head.body, limits, isAnswer: true))
        return .head
    }

    private mutating func finishInterim() throws(HTTP1Failure) -> Event {
        // We never ask for an upgrade.
        if head.status == 101 { throw .unexpectedUpgrade }
        // RFC 9110, sections 8.6 and RFC 9112, section 6.1: no interim response says how long its body is.
        if framing.isChunked { throw .badTransferEncoding }
        if framing.contentLength != nil { throw .badContentLength }
        if interimLeft == 0 { throw .tooManyInterimResponses }
        interimLeft -= 1
        phase = .statusLine
        return .interim
    }

    private mutating func bodyFraming() -> BodyFraming {
        if isHead || head.status == 304 { return .none }
        if head.status == 204 {
            // It has no body, whatever it says; one that says otherwise may send one all the same.
            if framing.isChunked || (framing.contentLength ?? 0) > 0 { head.keepsAlive = false }
            return .none
        }
        if framing.isChunked { return .chunked }
        if let length = framing.contentLength { return .length(length) }
        return .untilClose
    }
}

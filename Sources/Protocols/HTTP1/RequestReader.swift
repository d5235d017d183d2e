package import HTTPModel

/// Reads the requests of one server connection, one after the other, strictly (RFC 9112).
///
///     requestLine ─▶ fields ─▶ body ─▶ requestLine …
///          └───────────┴────────┴──▶ failed: every further call throws the same
///
/// The owner keeps the bytes: it hands in all it has not consumed yet, does what the step says, consumes what the step
/// consumed, and asks again until the step is `.needsMore`. Not asking is how it pauses, between pipelined requests too.
///
/// Head fields are appended to the block that is passed in, and so are trailers: pass one block from the first byte of a
/// head to its `.head`, reset between requests, and any block at all after that.
package struct RequestReader {
    package enum Event: Equatable {
        case needsMore
        /// `head` and the block are complete.
        case head
        /// These bytes of the input are body; they are consumed with the step, so use them first.
        case body(Range<Int>)
        /// The request is over; trailers, if there were any, are in the block.
        case end
    }

    package struct Step {
        package let event: Event
        package let consumed: Int
    }

    /// Of the request being read; complete from `.head` on.
    package private(set) var head = RequestHead.none
    package let limits: HTTP1Limits
    /// The head or the trailers of the request being read were larger than what is kept, and read to their end.
    package private(set) var isTooLarge = false
    /// Reading failed in a head for its size: the request line, and the fields before the end, are in `head` and the block, enough
    /// to refuse the request by.
    package private(set) var isHeadCut = false

    private enum Phase {
        case requestLine(blankLinesLeft: Int)
        case fields
        case body(BodyDecoder)
        case failed(HTTP1Failure)
    }

    private var phase = Phase.requestLine(blankLinesLeft: 1)
    private var scanner = LineScanner()
    /// Of the head; it changes with every line, and so lies beside the phase.
    private var section: FieldSection
    private var framing = MessageFraming()
    private var host: UnsafeRawBufferPointer?

    package init(limits: HTTP1Limits = HTTP1Limits()) {
        self.limits = limits
        section = FieldSection(limits)
    }

    /// Whether no byte of a next request was consumed: the connection may end, or be ended, without loss.
    package var isIdle: Bool {
        if case .requestLine = phase { true } else { false }
    }

    package mutating func next(
        _ input: UnsafeRawBufferPointer, into fields: inout FieldBlock
    ) throws(HTTP1Failure) -> Step {
        do throws(HTTP1Failure) {
            return try advance(input, into: &fields)
        } catch {
            if case .fields = phase, error.isSectionLimit { cutHead() }
            phase = .failed(error)
            throw error
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
            case .requestLine(let blankLinesLeft):
                guard
                    let line = try scanner.next(
                        input, from: offset, max: limits.startLineBytesMax, tooLong: .targetTooLong)
                else { return Step(event: .needsMore, consumed: offset) }
                offset = line.upperBound + 2
                if line.isEmpty {
                    // One, after a body whose sender added a line break (RFC 9112, section 2.2).
                    if blankLinesLeft == 0 { throw .malformedRequestLine }
                    phase = .requestLine(blankLinesLeft: blankLinesLeft - 1)
                    continue
                }
                framing = MessageFraming()
                host = nil
                isTooLarge = false
                head = try RequestLine.parse(input.part(line), into: &fields)
                section = FieldSection(limits)
                phase = .fields
            case .fields:
                switch try section.next(input, from: offset, into: &fields) {
                case .incomplete:
                    return Step(event: .needsMore, consumed: offset)
                case .field(let field, let next):
                    try record(field)
                    offset = next
                case .end(let next):
                    isTooLarge = section.isTooLarge
                    try finishHead()
                    phase = .body(try BodyDecoder(head.body, limits))
                    return Step(event: .head, consumed: next)
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
                    phase = .requestLine(blankLinesLeft: 1)
                    return Step(event: .end, consumed: next)
                }
            }
        }
    }

    @inline(never)
    private mutating func cutHead() {
        if let host, head.authority.isEmpty { head.authority = host }
        isTooLarge = true
        isHeadCut = true
    }

    private mutating func record(_ field: Field) throws(HTTP1Failure) {
        if field.token == .host {
            if host != nil { throw .repeatedHost }
            guard AuthorityGrammar.isValid(field.valueBytes) else { throw .badHost }
            host = field.valueBytes
        } else {
            try framing.record(field)
        }
    }

    private mutating func finishHead() throws(HTTP1Failure) {
        try framing.check(head.version)
        if let host {
            if head.authority.isEmpty {
                head.authority = host
            } else if !HTTPGrammar.equalsIgnoringCase(head.authority, host) {
                throw .hostContradictsTarget
            }
        } else if head.version == .http11 {
            throw .missingHost
        }
        head.body = framing.isChunked ? .chunked : framing.contentLength.map { .length($0) } ?? .none
        head.keepsAlive = framing.keepsAlive(head.version)
        head.asksForWebSocket = framing.asksForWebSocket && head.version == .http11
        let hasBody = head.body != .none && head.body != .length(0)
        head.expectsContinue = framing.expectsContinue && head.version == .http11 && hasBody
    }
}

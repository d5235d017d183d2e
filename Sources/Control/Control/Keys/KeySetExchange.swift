internal import Bytes
internal import HTTP1
internal import HTTPModel

/// One request for a key set and its answer, on a connection of its own: bytes in, an outcome out. No socket, no clock.
final class KeySetExchange {
    enum Outcome: Equatable {
        /// Fresh for as long as the server says, if it says.
        case document([UInt8], freshFor: Duration?)
        case redirect(String)
    }

    static let bodyBytesMax = 512 << 10

    private let location: KeySetLocation
    private var reader: ResponseReader
    private var fields = FieldBlock()
    private var held = ByteBuffer()
    private var body: [UInt8] = []
    private var isHeadRead = false

    init(_ location: KeySetLocation) {
        self.location = location
        var limits = HTTP1Limits()
        limits.bodyBytesMax = UInt64(Self.bodyBytesMax)
        reader = ResponseReader(limits: limits)
        reader.expect(method: .get)
    }

    deinit { fields.destroy() }

    func writeRequest(to output: inout ByteBuffer) {
        var fields = FieldBlock()
        defer { fields.destroy() }
        fields.append("accept", "application/jwk-set+json, application/json")
        fields.append("user-agent", "martlet")
        let (method, target, authority) = (Array("GET".utf8), Array(location.path.utf8), Array(location.authority.utf8))
        method.withUnsafeBytes { method in
            target.withUnsafeBytes { target in
                authority.withUnsafeBytes { authority in
                    HTTP1Writer.requestHead(
                        method: method, target: target, authority: authority, fields: fields, body: .none, close: true,
                        to: &output)
                }
            }
        }
    }

    /// `nil` while more must come. Not to be called again after an outcome or a failure.
    func receive(_ bytes: UnsafeRawBufferPointer) throws(FetchFailure) -> Outcome? {
        held.append(bytes)
        while true {
            let step: ResponseReader.Step
            do throws(HTTP1Failure) {
                step = try reader.next(held.readable, into: &fields)
            } catch {
                throw error == .bodyTooLarge ? .tooLarge : .malformed(error)
            }
            switch step.event {
            case .body(let range): body.append(contentsOf: held.readable[range])
            case .interim: fields.reset()
            case .head:
                if let outcome = try judgeHead() { return outcome }
            case .needsMore, .end: break
            }
            held.consume(step.consumed)
            if step.event == .needsMore { return nil }
            if step.event == .end { return document }
        }
    }

    /// The server closed: an answer without a length ends so.
    func connectionEnded() throws(FetchFailure) -> Outcome {
        do throws(HTTP1Failure) {
            guard isHeadRead, try reader.connectionEnded(unconsumed: held.count) == .end else { throw HTTP1Failure.truncated }
        } catch {
            throw .connectionLost
        }
        return document
    }

    private func judgeHead() throws(FetchFailure) -> Outcome? {
        isHeadRead = true
        switch reader.head.status {
        case 200:
            if let coding = fields.first(.contentEncoding), !HTTPGrammar.equalsIgnoringCase(coding.valueBytes, "identity") {
                throw .encoded
            }
            return nil
        case 301, 302, 303, 307, 308:
            guard let location = fields.text("location") else { throw .badRedirect }
            return .redirect(location)
        default:
            throw .status(reader.head.status)
        }
    }

    private var document: Outcome { .document(body, freshFor: freshness) }

    private var freshness: Duration? {
        let directives = (0..<fields.count).filter { fields[$0].nameText == "cache-control" }.map { fields[$0].valueText }
        return Freshness.read(cacheControl: directives, age: fields.text("age"))
    }
}

internal import Bytes
internal import Calls
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Snapshots

/// Has answers of plain HTTP backends compressed, where the route says so and the caller takes it.
///
/// Asked before authentication, which removes credentials; answers come here behind the filters that change their heads.
enum CompressionFilter {
    static func request(_ call: CallView) -> FilterVerdict {
        // RPCs compress their messages themselves, also where another protocol carries them.
        guard let policy = call.route.gzip, call.caller == .http, !call.isConverted else { return .proceed }
        let stream = call.stream
        let fields = FieldList(rebasing: stream.fields.all[..<stream.trailersStart])
        // Caches of HTTP/1.0 do not know `vary` (RFC 1945), and would hand out to all what this caller takes.
        let mayTake = !stream.flags.contains(.isHTTP10) && AcceptEncoding.admitsGzip(fields)
        if mayTake, !AnswerCompression.forbidsTransformation(fields),
            policy.includesCredentials || !AnswerCompression.hasCredentials(fields)
        {
            call.record(.takesGzip)
        }
        call.seeAnswer(.compression)
        return .proceed
    }

    /// The head of an upstream's answer, before other filters take fields out of it: what it forbids counts, though the caller is not told.
    static func head(_ call: Record<Call>, _ fields: FieldList) {
        if AnswerCompression.isFixed(fields) { call.answerFilters.remove(.compression) }
        if AnswerCompression.setsCookie(fields) { call.flags.insert(.answerSetsCookie) }
    }

    /// Trailers that say something of the bytes that the backend sent.
    static func drops(_ field: Field, _ call: Record<Call>) -> Bool {
        call.compressor != nil && AnswerCompression.describesPlainBody(field)
    }

    /// - Parameter ended: it has no body. Fields for HEAD are those of a GET.
    static func answer(_ call: CallView, _ answer: inout FieldWriter, ended: Bool) {
        // An answer of our own is small, and goes at once.
        guard !call.isAnswered, let policy = call.route.gzip else { return }
        let status = call.outcome.httpStatus
        guard policy({ AnswerCompression.mayCompress(answer.written, status: status, by: $0) }) else { return }
        defer { AnswerCompression.vary(&answer) }
        guard call.has(.takesGzip) else { return }
        if status == 304 { return AnswerCompression.matchTag(&answer, toRequest: call.stream.fields.all) }
        guard !ended || call.facts.method.equals("HEAD"),
            policy.includesCredentials || !(call.has(.answerSetsCookie) || AnswerCompression.setsCookie(answer.written)),
            call.compressAnswer()
        else {
            return
        }
        AnswerCompression.describe(&answer)
    }
}

package import Bytes
internal import GRPC
internal import HTTPModel
package import Transcoding

/// The two transcoders of one call, kept by the worker for the next call of the same plan.
package final class TranscoderPair {
    package let plan: TranscodingPlan
    package let request: RequestTranscoder
    package let response: ResponseTranscoder

    package init(_ plan: TranscodingPlan) {
        self.plan = plan
        request = RequestTranscoder(plan: plan)
        response = ResponseTranscoder(plan: plan)
    }
}

/// JSON on the caller's side, protobuf on the upstream's.
package final class JSONConverter: BodyConverter {
    package let pair: TranscoderPair
    package let form: ResponseForm
    package let isRaw: Bool

    package init(
        _ pair: TranscoderPair, _ match: BindingMatch, form: ResponseForm, contentType: BorrowedBytes
    ) throws(ConversionFailure) {
        self.pair = pair
        self.form = form
        isRaw = pair.response.isRaw(match)
        pair.response.begin(match, form: form)
        do throws(TranscodingFailure) { try pair.request.begin(match, contentType: contentType) } catch {
            throw ConversionFailure(error, pair.plan)
        }
    }

    package func request(_ bytes: BorrowedBytes, into frames: inout ByteBuffer) throws(ConversionFailure) {
        do throws(TranscodingFailure) { try pair.request.feed(bytes, isLast: false, into: &frames) } catch {
            throw ConversionFailure(error, pair.plan)
        }
    }

    package func requestEnded(into frames: inout ByteBuffer) throws(ConversionFailure) {
        let nothing = BorrowedBytes.none
        do throws(TranscodingFailure) { try pair.request.feed(nothing, isLast: true, into: &frames) } catch {
            throw ConversionFailure(error, pair.plan)
        }
    }

    package func answer(_ bytes: BorrowedBytes, into body: inout ByteBuffer) throws(ConversionFailure) {
        do throws(TranscodingFailure) { try pair.response.feed(bytes, into: &body) } catch {
            throw ConversionFailure(error, pair.plan)
        }
    }

    package var answerIsWithinMessage: Bool { pair.response.isWithinMessage }

    package func answerEnded(into body: inout ByteBuffer) throws(ConversionFailure) {
        do throws(TranscodingFailure) { try pair.response.finish(into: &body) } catch {
            throw ConversionFailure(error, pair.plan)
        }
    }

    /// Written for the answer's head once the first message is there.
    package func withContentType(_ body: (BorrowedBytes) -> Void) {
        guard isRaw else {
            return body(BorrowedBytes(form.contentType))
        }
        pair.response.rawContentType.withUnsafeBytes(body)
    }
}

extension ConversionFailure {
    package init(_ failure: TranscodingFailure, _ plan: TranscodingPlan) {
        switch failure.kind {
        case .request: self.init(.malformedMessage(field: failure.path, problem: failure.problem))
        case .requestTooLarge: self.init(.messageTooLarge(bytesMax: plan.options.messageBytesMax))
        case .response: self.init(.upstreamMalformedMessage(field: failure.path, problem: failure.problem))
        case .responseTooLarge: self.init(.upstreamMessageTooLarge(bytesMax: plan.options.messageBytesMax))
        }
    }
}

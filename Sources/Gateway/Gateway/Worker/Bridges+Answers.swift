internal import Bridging
internal import Bytes
internal import Calls
internal import Filters
internal import GRPC
internal import HTTPModel
internal import Transcoding
internal import Transport

/// The heads and ends of answers over a bridge.
extension Bridges {
    private func respond(_ call: Record<Call>, _ fields: FieldList) -> Bool {
        worker { call.respond(fields, ended: false, $0) }
    }

    /// The head of an answer that goes on while the call does; without a source, of one that had nothing but an end.
    func sendStreamHead(_ call: Record<Call>, _ bridge: Bridge, from stream: StreamPointer?) {
        call.outcome.httpStatus = 200
        let fields = BridgedAnswer.streamHead(
            from: stream, to: call.downstream, caller: call.clientProtocol, bridge, scratch: worker.context.fieldScratch)
        _ = respond(call, fields)
    }

    /// The upstream has said how the call ended, in its fields from `start` on.
    func endAnswer(_ call: Record<Call>, _ bridge: Bridge, _ stream: StreamPointer, from start: Int) {
        guard let code = call.outcome.grpcStatus, call.flags.contains(.statusSeen) else {
            let isCutOff = bridge.converter.answerIsWithinMessage
            let cause: RefusalCause =
                isCutOff
                ? .upstreamMalformedMessage(field: "", problem: "it ends within a message")
                : .upstreamWithoutStatus(httpStatus: stream.fields.status)
            return worker { $0.calls.fail(call, cause) }
        }
        if code == .ok {
            do throws(ConversionFailure) {
                try bridge.convertAnswerEnd(headIsSent: call.machine.headIsSent)
            } catch {
                return worker { $0.calls.fail(call, error.cause) }
            }
        } else if !bridge.converter.answerIsAtBoundary {
            // The end would be read as the rest of a message.
            return worker { $0.calls.fail(call, .upstreamProtocolError) }
        }
        end.read(stream.fields, from: start, code: code)
        let downstream = call.downstream
        // Raw bytes have no place for an error, and are not to look complete.
        if code != .ok, call.machine.headIsSent, bridge.json?.isRaw == true {
            worker { _ = $0.calls.handle(call, .endUntold) }
            guard call.machine.isUnderWay else { return }
            // Head and bytes had not left: the error takes their place.
            bridge.output.removeAll()
        }
        if let json = bridge.json {
            endJSON(call, bridge, json, stream, code)
        } else if call.clientProtocol.answersWith200 {
            if !call.machine.headIsSent { sendStreamHead(call, bridge, from: start == 0 ? nil : stream) }
            end.write(for: call.clientProtocol, fields: stream.fields, from: start, to: &bridge.output)
            sendOutput(call, bridge)
        } else {
            sendWhole(call, bridge, stream, code)
        }
        // The caller may not have taken the head.
        guard call.machine.isUnderWay else { return }
        worker { _ = $0.calls.handle(call, .completed) }
        downstream.connection { $0.finish(downstream) }
    }

    /// A call's whole answer, once its end is known: its message, or its error in JSON.
    private func sendWhole(_ call: Record<Call>, _ bridge: Bridge, _ stream: StreamPointer, _ code: StatusCode) {
        if code != .ok {
            bridge.answer.removeAll()
            end.writeError(to: &bridge.answer)
        }
        call.outcome.httpStatus = code.httpStatus
        let isGzip = bridge.pair != nil && bridge.compressAnswer(&compression)
        let encoding: BridgedAnswer.WholeEncoding =
            isGzip ? .gzip : code == .ok && bridge.converter.answerIsCompressed ? .upstreams : .identity
        let downstream = call.downstream
        let fields = BridgedAnswer.wholeHead(
            from: stream, to: downstream, code: code, bodyBytes: bridge.answer.count, isJSON: bridge.pair != nil,
            encoding: encoding, scratch: worker.context.fieldScratch)
        if respond(call, fields) { downstream.connection { $0.send(downstream, bridge.answer.readable) } }
        bridge.answer.removeAll()
    }

    /// Ends an answer that had begun, where it stands between two messages.
    func endAnswer(_ call: Record<Call>, _ bridge: Bridge, with refusal: Refusal) {
        let downstream = call.downstream
        let replies = worker.replies
        if let json = bridge.json {
            text.removeAll()
            replies.writeJSON(refusal, to: &text)
            json.pair.response.finish(status: text.readable, into: &bridge.output)
            bridge.compressOutput(isLast: true, &compression)
        } else {
            replies.writeEnd(refusal, for: call.clientProtocol, to: &bridge.output)
        }
        sendOutput(call, bridge)
        downstream.connection { $0.finish(downstream) }
    }

    // MARK: JSON

    /// The head of a JSON stream waits for its first message; where that is there, the head goes.
    ///
    /// - Parameter hasFailed: what follows could not be converted. Raw bytes are not begun then.
    @inline(__always)
    func sendHeldJSONHead(_ call: Record<Call>, _ bridge: Bridge, from stream: StreamPointer, hasFailed: Bool) {
        if !call.machine.headIsSent { sendHeldHead(call, bridge, from: stream, hasFailed: hasFailed) }
    }

    private func sendHeldHead(_ call: Record<Call>, _ bridge: Bridge, from stream: StreamPointer, hasFailed: Bool) {
        guard let json = bridge.json, json.form != .single, !bridge.answer.isEmpty else { return }
        if hasFailed, json.isRaw { return }
        sendJSONHead(call, bridge, json, from: stream)
    }

    /// The first message of a stream is there, or its good end: only then is it known that it does not fail at once.
    private func sendJSONHead(_ call: Record<Call>, _ bridge: Bridge, _ json: JSONConverter, from stream: StreamPointer) {
        call.outcome.httpStatus = 200
        bridge.output.append(bridge.answer.readable)
        bridge.answer.removeAll()
        if bridge.acceptsGzip, !json.isRaw { bridge.answerDeflater = compression.takeDeflater() }
        json.withContentType { type in
            let fields = BridgedAnswer.jsonHead(
                from: stream, through: stream.trailersStart, to: call.downstream, status: 200, contentType: type,
                bodyBytes: nil, isGzip: bridge.answerDeflater != nil, scratch: worker.context.fieldScratch)
            _ = respond(call, fields)
        }
    }

    /// The upstream has said how the call ended; a good end is in the output already.
    private func endJSON(
        _ call: Record<Call>, _ bridge: Bridge, _ json: JSONConverter, _ stream: StreamPointer, _ code: StatusCode
    ) {
        if code == .ok, json.form != .single, !call.machine.headIsSent { sendJSONHead(call, bridge, json, from: stream) }
        guard call.machine.headIsSent else { return sendWholeJSON(call, bridge, json, stream, code) }
        if code != .ok {
            text.removeAll()
            end.writeStatus(json.pair.response, to: &text)
            json.pair.response.finish(status: text.readable, into: &bridge.output)
        }
        bridge.compressOutput(isLast: true, &compression)
        sendOutput(call, bridge)
    }

    private func sendWholeJSON(
        _ call: Record<Call>, _ bridge: Bridge, _ json: JSONConverter, _ stream: StreamPointer, _ code: StatusCode
    ) {
        call.outcome.httpStatus = code.httpStatus
        if code != .ok {
            bridge.answer.removeAll()
            end.writeStatus(json.pair.response, to: &bridge.answer)
        }
        let isGzip = (code != .ok || !json.isRaw) && bridge.compressAnswer(&compression)
        let downstream = call.downstream
        func send(_ type: BorrowedBytes) {
            let fields = BridgedAnswer.jsonHead(
                from: stream, through: stream.fields.count, to: downstream, status: code.httpStatus, contentType: type,
                bodyBytes: bridge.answer.count, isGzip: isGzip, scratch: worker.context.fieldScratch)
            guard respond(call, fields), !bridge.isHead else { return }
            downstream.connection { $0.send(downstream, bridge.answer.readable) }
        }
        if code == .ok {
            json.withContentType(send)
        } else {
            send(BorrowedBytes("application/json"))
        }
        bridge.answer.removeAll()
    }
}

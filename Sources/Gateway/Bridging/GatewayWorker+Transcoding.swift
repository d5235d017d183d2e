internal import Bridging
internal import Bytes
internal import Calls
internal import GRPC
internal import HTTPModel
internal import Protobuf
internal import Routing
internal import Schemas
internal import Snapshots
internal import Transcoding
internal import Transport
internal import Upstreams

/// Requests that reach a gRPC method by HTTP and JSON.
extension GatewayWorker {
    /// What of them stays between calls.
    struct TranscodingScratch: ~Copyable {
        var idle: [TranscoderPair] = []
        var status = ByteBuffer(capacity: 256)
        static var idleMax: Int { 64 }
    }

    /// Puts transcoders between the caller and the upstream, for a request that `findTranscoded` found.
    func buildTranscoder(_ call: Record<Call>, _ stream: StreamPointer, _ plan: TranscodingPlan) -> RefusalCause? {
        let method = plan.schema.methods[resolver.match.method]
        let form: ResponseForm = method.serverStreams ? Self.form(stream.fields) : .single
        let none = BorrowedBytes.none
        do throws(ConversionFailure) {
            let converter = try JSONConverter(
                takePair(plan), resolver.match, form: form, contentType: call.facts.contentType ?? none)
            let isTyped = call.facts.contentType != nil
            if converter.pair.request.readsJSON, let type = call.facts.contentType, !BridgedRequest.isAnyJSON(type) {
                throw ConversionFailure(.bodyIsNotJSON)
            }
            let request = try BridgedRequest(&stream.fields, caller: call.clientProtocol, readsMessages: true)
            let bridge = Bridge(converter, json: converter, pair: converter.pair, acceptsGzip: request.acceptsGzip)
            bridge.refusesBody = !isTyped && converter.pair.request.readsJSON
            bridge.isHead = call.facts.method.equals("HEAD")
            if let cause = readCompressed(call, bridge, request.encoding) { return cause }
            call.bridge = bridge
        } catch {
            return error.cause
        }
        call.facts.rewrite(method: Self.post)
        recordBridged(call, stream)
        return call.flags.contains(.requestEnded) ? endBridgedRequest(call) : nil
    }

    static var post: BorrowedBytes {
        let text: StaticString = "POST"
        return BorrowedBytes(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    /// Lines where the caller does not say.
    private static func form(_ fields: FieldBlock) -> ResponseForm {
        for field in fields.all where field.token == .other && field.nameBytes.equals("accept") {
            if BridgedRequest.names(field.valueBytes, "text/event-stream") { return .events }
            if BridgedRequest.names(field.valueBytes, "application/x-ndjson") { return .lines }
            if BridgedRequest.names(field.valueBytes, "application/json") { return .array }
        }
        return .lines
    }

    func takePair(_ plan: TranscodingPlan) -> TranscoderPair {
        guard let index = transcoding.idle.lastIndex(where: { $0.plan === plan }) else { return TranscoderPair(plan) }
        return transcoding.idle.remove(at: index)
    }

    /// The call is over: its transcoders are for the next one. The oldest go where there are too many.
    func giveBack(_ bridge: Bridge) {
        giveBackCompression(bridge)
        guard let pair = bridge.pair, current.snapshot.transcodings.contains(where: { $0 === pair.plan }) else { return }
        if transcoding.idle.count >= TranscodingScratch.idleMax { transcoding.idle.removeFirst() }
        transcoding.idle.append(pair)
    }
}

/// Answers in JSON.
extension GatewayWorker {
    /// The first message of a stream is there, or its good end: only then is it known that it does not fail at once.
    func sendJSONHead(
        _ call: Record<Call>, _ bridge: Bridge, _ json: JSONConverter, _ downstream: StreamPointer,
        from stream: StreamPointer
    ) {
        call.outcome.httpStatus = 200
        bridge.output.append(bridge.answer.readable)
        bridge.answer.removeAll()
        if bridge.acceptsGzip, !json.isRaw { bridge.answerDeflater = compression.takeDeflater() }
        json.withContentType { type in
            let fields = BridgedAnswer.jsonHead(
                from: stream, through: stream.trailersStart, to: downstream, status: 200, contentType: type,
                bodyBytes: nil, isGzip: bridge.answerDeflater != nil, scratch: context.fieldScratch)
            _ = call.respond(fields, ended: false, self)
        }
    }

    /// The upstream has said how the call ended; a good end is in the output already.
    func endJSONAnswer(
        _ call: Record<Call>, _ bridge: Bridge, _ json: JSONConverter, _ stream: StreamPointer,
        _ downstream: StreamPointer, _ code: StatusCode
    ) {
        if code == .ok, json.form != .single, !call.machine.headIsSent {
            sendJSONHead(call, bridge, json, downstream, from: stream)
        }
        guard call.machine.headIsSent else { return sendWholeJSON(call, bridge, json, stream, downstream, code) }
        if code != .ok {
            transcoding.status.removeAll()
            replies.end.writeStatus(json.pair.response, to: &transcoding.status)
            json.pair.response.finish(status: transcoding.status.readable, into: &bridge.output)
        }
        compressOutput(bridge, isLast: true)
        sendOutput(bridge, downstream)
    }

    private func sendWholeJSON(
        _ call: Record<Call>, _ bridge: Bridge, _ json: JSONConverter, _ stream: StreamPointer,
        _ downstream: StreamPointer, _ code: StatusCode
    ) {
        call.outcome.httpStatus = code.httpStatus
        let errorType: StaticString = "application/json"
        if code != .ok {
            bridge.answer.removeAll()
            replies.end.writeStatus(json.pair.response, to: &bridge.answer)
        }
        let isGzip = (code != .ok || !json.isRaw) && compressAnswer(bridge)
        func send(_ type: BorrowedBytes) {
            let fields = BridgedAnswer.jsonHead(
                from: stream, through: stream.fields.count, to: downstream, status: code.httpStatus, contentType: type,
                bodyBytes: bridge.answer.count, isGzip: isGzip, scratch: context.fieldScratch)
            guard call.respond(fields, ended: false, self), !bridge.isHead else { return }
            downstream.connection { $0.send(downstream, bridge.answer.readable) }
        }
        if code == .ok {
            json.withContentType(send)
        } else {
            send(BorrowedBytes(start: errorType.utf8Start, count: errorType.utf8CodeUnitCount))
        }
        bridge.answer.removeAll()
    }
}

internal import Bridging
internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Transcoding
internal import Transport

/// The request's way over a bridge.
extension GatewayWorker {
    /// Builds the bridge for a caller who speaks gRPC-Web or Connect, and makes gRPC's of the request's head; `nil` where
    /// the call can go on.
    func buildBridge(_ exchange: ExchangePointer, _ stream: StreamPointer, _ facts: HeadFacts) -> RefusalCause? {
        // An upstream that speaks HTTP/1.1 has no gRPC to convert to: what a caller says is between the two.
        guard !exchange.pointee.route!._withUnsafeGuaranteedRef({ $0.leadsToHTTP1 }) else {
            transcoding.plan = nil
            return nil
        }
        let type = facts.contentType
        if let plan = transcoding.plan {
            transcoding.plan = nil
            return buildTranscoder(exchange, stream, plan)
        }
        switch exchange.pointee.clientProtocol {
        case .grpc, .http: return nil
        case .connectUnary where facts.method.equals("GET"): return buildConnectQuery(exchange, stream)
        case .connectUnary where type.map { BridgedRequest.isJSON($0) } == true, .connectJSONStream:
            if let cause = buildConnectJSON(exchange, stream, facts) { return cause }
            return exchange.pointee.flags.contains(.requestEnded) ? endBridgedRequest(exchange) : nil
        case .connectStream where type.map { BridgedRequest.isConnectProto($0) } == false: return .unsupportedContentType
        case .grpcWeb where type.map { BridgedRequest.isWebProto($0) } == false,
            .grpcWebText where type.map { BridgedRequest.isWebProto($0) } == false:
            return .unsupportedContentType
        case .connectUnary where streams(exchange, facts): return .unsupportedContentType
        case .grpcWeb, .grpcWebText, .connectUnary, .connectStream: break
        }
        if let cause = buildMessageBridge(exchange, stream) { return cause }
        return exchange.pointee.flags.contains(.requestEnded) ? endBridgedRequest(exchange) : nil
    }

    /// Keeps what is wrong with a call back until the filters have run: a caller that may not make it learns nothing of it, and
    /// it counts for the limits like any other.
    func deferRefusal(_ exchange: ExchangePointer, _ cause: RefusalCause) {
        if exchange.pointee.bridge == nil { exchange.pointee.bridge = Bridge(PassingConverter()) }
        if exchange.pointee.bridge!.refusal == nil { exchange.pointee.bridge!.refusal = cause }
    }

    /// Builds the bridge for a caller whose messages are the upstream's.
    func buildMessageBridge(_ exchange: ExchangePointer, _ stream: StreamPointer) -> RefusalCause? {
        let requestIsText = exchange.pointee.clientProtocol == .grpcWebText
        if requestIsText || exchange.pointee.clientProtocol == .grpcWeb {
            exchange.pointee.clientProtocol = BridgedRequest.webAnswer(stream.pointee.fields, requestIsText: requestIsText)
        }
        let answerIsText = exchange.pointee.clientProtocol == .grpcWebText
        let request: BridgedRequest
        do throws(ConversionFailure) {
            request = try BridgedRequest(&stream.pointee.fields, caller: exchange.pointee.clientProtocol)
        } catch {
            return error.cause
        }
        recordBridged(exchange, stream)
        let converter: any BodyConverter =
            switch exchange.pointee.clientProtocol {
            case .connectUnary:
                MessageConverter(requestIsCompressed: request.encoding != nil, announcedBytes: request.announcedBytes)
            case _ where requestIsText || answerIsText:
                TextConverter(requestIsText: requestIsText, answerIsText: answerIsText)
            default: PassingConverter()
            }
        exchange.pointee.bridge = Bridge(converter)
        return nil
    }

    /// More of the request's body has arrived.
    func forwardBridged(_ exchange: ExchangePointer, _ bridge: Bridge, _ bytes: UnsafeRawBufferPointer) {
        guard bridge.refusal == nil else {
            bridge.requestFlow.convert(bytes.count, to: 0)
            return bridgedRequestDrained(exchange, bridge, 0)
        }
        if bridge.refusesBody, bytes.count > 0 { return failBridged(exchange, .bodyIsNotJSON) }
        do throws(ConversionFailure) {
            try convertRequest(bridge, bytes)
        } catch {
            bridge.output.removeAll()
            return failBridged(exchange, error.cause)
        }
        bridge.requestFlow.convert(bytes.count, to: bridge.output.count)
        forwardOutput(exchange, bridge)
        bridgedRequestDrained(exchange, bridge, 0)
    }

    /// The request's body cannot be converted.
    func failBridged(_ exchange: ExchangePointer, _ cause: RefusalCause) {
        guard exchange.pointee.phase == .suspended else { return fail(exchange, cause) }
        deferRefusal(exchange, cause)
    }

    /// The request is complete; a cause where it cannot be.
    func endBridgedRequest(_ exchange: ExchangePointer) -> RefusalCause? {
        guard let bridge = exchange.pointee.bridge, bridge.refusal == nil else { return nil }
        do throws(ConversionFailure) {
            try convertRequestEnd(bridge)
        } catch {
            bridge.output.removeAll()
            return error.cause
        }
        bridge.requestFlow.convert(0, to: bridge.output.count)
        forwardOutput(exchange, bridge)
        return nil
    }

    private func forwardOutput(_ exchange: ExchangePointer, _ bridge: Bridge) {
        guard !bridge.output.isEmpty else { return }
        upstream.forward(exchange, bridge.output.readable)
        bridge.output.removeAll()
        bridge.output.shrink(to: Bridge.outputBytesKept)
    }

    /// The upstream's socket took so much of the request: the caller may send as much again.
    func bridgedRequestDrained(_ exchange: ExchangePointer, _ bridge: Bridge, _ count: Int) {
        let due = bridge.requestFlow.take(count)
        guard due > 0, let downstream = exchange.pointee.downstream else { return }
        downstream.connection { $0.consumed(downstream, due) }
    }
}

/// The answer's way over a bridge.
extension GatewayWorker {
    /// The upstream has begun its answer.
    func beginBridgedAnswer(_ exchange: ExchangePointer, _ bridge: Bridge, _ stream: StreamPointer, ended: Bool) {
        guard let downstream = exchange.pointee.downstream else { return }
        exchange.pointee.phase = .responding
        exchange.pointee.body.removeAll(pool: chunks)
        recordEncoding(bridge, of: stream, to: downstream)
        // A call that ends with its head has nothing but an end.
        if ended { return endBridgedAnswer(exchange, bridge, stream, from: 0) }
        guard exchange.pointee.clientProtocol.answersWith200 else { return }
        sendBridgedHead(exchange, bridge, downstream, from: stream)
    }

    private func sendBridgedHead(
        _ exchange: ExchangePointer, _ bridge: Bridge, _ downstream: StreamPointer, from stream: StreamPointer?
    ) {
        bridge.headIsSent = true
        exchange.pointee.outcome.httpStatus = 200
        let fields = BridgedAnswer.streamHead(
            from: stream, to: downstream, caller: exchange.pointee.clientProtocol, bridge, scratch: context.fieldScratch)
        _ = respond(exchange, downstream, fields, ended: false)
    }

    /// More of the answer's body has arrived.
    func passBridged(_ exchange: ExchangePointer, _ bridge: Bridge, _ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        guard let downstream = exchange.pointee.downstream else { return }
        let isHeld = !bridge.headIsSent
        do throws(ConversionFailure) {
            if isHeld {
                try convertAnswer(bridge, bytes, into: &bridge.answer)
            } else {
                try convertAnswer(bridge, bytes, into: &bridge.output)
            }
        } catch {
            // What came before it is whole, and the caller's.
            if isHeld, let json = bridge.json, json.form != .single, !json.isRaw, !bridge.answer.isEmpty {
                sendJSONHead(exchange, bridge, json, downstream, from: stream)
            }
            return fail(exchange, error.cause)
        }
        if isHeld, let json = bridge.json, json.form != .single, !bridge.answer.isEmpty {
            sendJSONHead(exchange, bridge, json, downstream, from: stream)
        }
        compressOutput(bridge, isLast: false)
        if bridge.isHead { bridge.output.removeAll() }
        bridge.answerFlow.convert(bytes.count, to: bridge.output.count)
        sendOutput(bridge, downstream)
        let due = bridge.answerFlow.take(0)
        if due > 0 { stream.connection { $0.consumed(stream, due) } }
    }

    func sendOutput(_ bridge: Bridge, _ downstream: StreamPointer) {
        guard !bridge.output.isEmpty else { return }
        if !bridge.isHead { downstream.connection { $0.send(downstream, bridge.output.readable) } }
        bridge.output.removeAll()
        bridge.output.shrink(to: Bridge.outputBytesKept)
        checkMemory(after: downstream)
    }

    /// The caller's socket took so much of the answer: the upstream may send as much again.
    func bridgedAnswerDrained(_ exchange: ExchangePointer, _ bridge: Bridge, _ count: Int) {
        let due = bridge.answerFlow.take(count)
        guard due > 0, let stream = exchange.pointee.upstream else { return }
        stream.connection { $0.consumed(stream, due) }
    }

    /// The upstream has said how the call ended, in its fields from `start` on.
    func endBridgedAnswer(_ exchange: ExchangePointer, _ bridge: Bridge, _ stream: StreamPointer, from start: Int) {
        guard let downstream = exchange.pointee.downstream else { return }
        guard let code = exchange.pointee.outcome.grpcStatus, exchange.pointee.flags.contains(.statusSeen) else {
            let isCutOff = bridge.converter.answerIsWithinMessage
            return fail(
                exchange,
                isCutOff
                    ? .upstreamMalformedMessage(field: "", problem: "it ends within a message")
                    : .upstreamWithoutStatus(httpStatus: exchange.pointee.outcome.httpStatus))
        }
        if code == .ok {
            do throws(ConversionFailure) {
                if bridge.headIsSent {
                    try convertAnswerEnd(bridge, into: &bridge.output)
                } else {
                    try convertAnswerEnd(bridge, into: &bridge.answer)
                }
            } catch {
                return fail(exchange, error.cause)
            }
        } else if !bridge.converter.answerIsAtBoundary {
            // The end would be read as the rest of a message.
            return fail(exchange, .upstreamProtocolError)
        }
        replies.end.read(stream.pointee.fields, from: start, code: code)
        exchange.pointee.phase = .over
        // Raw bytes have no place for an error, and are not to look complete.
        if code != .ok, bridge.headIsSent, bridge.json?.isRaw == true {
            return downstream.connection { $0.reset(downstream, .internalError) }
        }
        if let json = bridge.json {
            endJSONAnswer(exchange, bridge, json, stream, downstream, code)
        } else if exchange.pointee.clientProtocol.answersWith200 {
            if !bridge.headIsSent { sendBridgedHead(exchange, bridge, downstream, from: start == 0 ? nil : stream) }
            replies.end.write(
                for: exchange.pointee.clientProtocol, fields: stream.pointee.fields, from: start, to: &bridge.output)
            sendOutput(bridge, downstream)
        } else {
            sendWhole(exchange, bridge, stream, downstream, code)
        }
        downstream.connection { $0.finish(downstream) }
    }

    /// A call's whole answer, once its end is known: its message, or its error in JSON.
    private func sendWhole(
        _ exchange: ExchangePointer, _ bridge: Bridge, _ stream: StreamPointer, _ downstream: StreamPointer, _ code: StatusCode
    ) {
        bridge.headIsSent = true
        if code != .ok {
            bridge.answer.removeAll()
            replies.end.writeError(to: &bridge.answer)
        }
        exchange.pointee.outcome.httpStatus = code.httpStatus
        let isGzip = bridge.pair != nil && compressAnswer(bridge)
        let encoding: BridgedAnswer.WholeEncoding =
            isGzip ? .gzip : code == .ok && bridge.converter.answerIsCompressed ? .upstreams : .identity
        let fields = BridgedAnswer.wholeHead(
            from: stream, to: downstream, code: code, bodyBytes: bridge.answer.count, isJSON: bridge.pair != nil,
            encoding: encoding, scratch: context.fieldScratch)
        if respond(exchange, downstream, fields, ended: false) {
            downstream.connection { $0.send(downstream, bridge.answer.readable) }
        }
        bridge.answer.removeAll()
    }

    /// Ends an answer that had begun, where it stands between two messages.
    func endBridgedAnswer(_ exchange: ExchangePointer, _ bridge: Bridge, with refusal: Refusal) {
        guard let downstream = exchange.pointee.downstream else { return }
        if let json = bridge.json {
            // Raw bytes have no place for an error.
            guard !json.isRaw else { return downstream.connection { $0.reset(downstream, .internalError) } }
            transcoding.status.removeAll()
            replies.refusals.writeJSON(refusal, to: &transcoding.status)
            json.pair.response.finish(status: transcoding.status.readable, into: &bridge.output)
            compressOutput(bridge, isLast: true)
        } else {
            replies.refusals.writeEnd(refusal, for: exchange.pointee.clientProtocol, to: &bridge.output)
        }
        sendOutput(bridge, downstream)
        downstream.connection { $0.finish(downstream) }
    }
}

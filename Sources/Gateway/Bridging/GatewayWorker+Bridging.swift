internal import Bridging
internal import Bytes
internal import Calls
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Transcoding
internal import Transport

/// The request's way over a bridge.
extension GatewayWorker {
    /// Builds the bridge for a caller who speaks gRPC-Web or Connect, and makes gRPC's of the request's head; `nil` where
    /// the call can go on.
    func buildBridge(_ call: Record<Call>, _ stream: StreamPointer, _ facts: HeadFacts) -> RefusalCause? {
        // An upstream that speaks HTTP/1.1 has no gRPC to convert to: what a caller says is between the two.
        guard !call.route.leadsToHTTP1 else { return nil }
        let type = facts.contentType
        if let plan = call.transcoding { return plan { buildTranscoder(call, stream, $0) } }
        switch call.clientProtocol {
        case .grpc, .http: return nil
        case .connectUnary where facts.method.equals("GET"): return buildConnectQuery(call, stream)
        case .connectUnary where type.map { BridgedRequest.isJSON($0) } == true, .connectJSONStream:
            if let cause = buildConnectJSON(call, stream, facts) { return cause }
            return call.flags.contains(.requestEnded) ? endBridgedRequest(call) : nil
        case .connectStream where type.map { BridgedRequest.isConnectProto($0) } == false: return .unsupportedContentType
        case .grpcWeb where type.map { BridgedRequest.isWebProto($0) } == false,
            .grpcWebText where type.map { BridgedRequest.isWebProto($0) } == false:
            return .unsupportedContentType
        case .connectUnary where streams(call, facts): return .unsupportedContentType
        case .grpcWeb, .grpcWebText, .connectUnary, .connectStream: break
        }
        if let cause = buildMessageBridge(call, stream) { return cause }
        return call.flags.contains(.requestEnded) ? endBridgedRequest(call) : nil
    }

    /// Keeps what is wrong with a call back until the filters have run: a caller that may not make it learns nothing of it, and
    /// it counts for the limits like any other.
    func deferRefusal(_ call: Record<Call>, _ cause: RefusalCause) {
        if call.bridge == nil { call.bridge = Bridge(PassingConverter()) }
        if call.bridge!.refusal == nil { call.bridge!.refusal = cause }
    }

    /// Builds the bridge for a caller whose messages are the upstream's.
    func buildMessageBridge(_ call: Record<Call>, _ stream: StreamPointer) -> RefusalCause? {
        let requestIsText = call.clientProtocol == .grpcWebText
        if requestIsText || call.clientProtocol == .grpcWeb {
            call.clientProtocol = BridgedRequest.webAnswer(stream.fields, requestIsText: requestIsText)
        }
        let answerIsText = call.clientProtocol == .grpcWebText
        let request: BridgedRequest
        do throws(ConversionFailure) {
            request = try BridgedRequest(&stream.fields, caller: call.clientProtocol)
        } catch {
            return error.cause
        }
        recordBridged(call, stream)
        let converter: any BodyConverter =
            switch call.clientProtocol {
            case .connectUnary:
                MessageConverter(requestIsCompressed: request.encoding != nil, announcedBytes: request.announcedBytes)
            case _ where requestIsText || answerIsText:
                TextConverter(requestIsText: requestIsText, answerIsText: answerIsText)
            default: PassingConverter()
            }
        call.bridge = Bridge(converter)
        return nil
    }

    /// More of the request's body has arrived.
    func forwardBridged(_ call: Record<Call>, _ bridge: Bridge, _ bytes: BorrowedBytes) {
        guard bridge.refusal == nil else {
            bridge.requestFlow.convert(bytes.count, to: 0)
            return bridgedRequestDrained(call, bridge, 0)
        }
        if bridge.refusesBody, bytes.count > 0 { return calls.handle(call, .unconvertible, .refusal(.bodyIsNotJSON)) }
        do throws(ConversionFailure) {
            try convertRequest(bridge, bytes)
        } catch {
            bridge.output.removeAll()
            return calls.handle(call, .unconvertible, .refusal(error.cause))
        }
        bridge.requestFlow.convert(bytes.count, to: bridge.output.count)
        forwardOutput(call, bridge)
        bridgedRequestDrained(call, bridge, 0)
    }

    /// The request is complete; a cause where it cannot be.
    func endBridgedRequest(_ call: Record<Call>) -> RefusalCause? {
        guard let bridge = call.bridge, bridge.refusal == nil else { return nil }
        do throws(ConversionFailure) {
            try convertRequestEnd(bridge)
        } catch {
            bridge.output.removeAll()
            return error.cause
        }
        bridge.requestFlow.convert(0, to: bridge.output.count)
        forwardOutput(call, bridge)
        return nil
    }

    private func forwardOutput(_ call: Record<Call>, _ bridge: Bridge) {
        guard !bridge.output.isEmpty else { return }
        upstream.forward(call, bridge.output.readable)
        bridge.output.removeAll()
        bridge.output.shrink(to: Bridge.outputBytesKept)
    }

    /// The upstream's socket took so much of the request: the caller may send as much again.
    func bridgedRequestDrained(_ call: Record<Call>, _ bridge: Bridge, _ count: Int) {
        let due = bridge.requestFlow.take(count)
        guard due > 0 else { return }
        let downstream = call.downstream
        downstream.connection { $0.consumed(downstream, due) }
    }
}

/// The answer's way over a bridge.
extension GatewayWorker {
    /// The upstream has begun its answer.
    func beginBridgedAnswer(_ call: Record<Call>, _ bridge: Bridge, _ stream: StreamPointer, ended: Bool) {
        let downstream = call.downstream
        calls.handle(call, .headKept)
        recordEncoding(bridge, of: stream, to: downstream)
        // A call that ends with its head has nothing but an end.
        if ended { return endBridgedAnswer(call, bridge, stream, from: 0) }
        guard call.clientProtocol.answersWith200 else { return }
        sendBridgedHead(call, bridge, downstream, from: stream)
    }

    private func sendBridgedHead(
        _ call: Record<Call>, _ bridge: Bridge, _ downstream: StreamPointer, from stream: StreamPointer?
    ) {
        call.outcome.httpStatus = 200
        let fields = BridgedAnswer.streamHead(
            from: stream, to: downstream, caller: call.clientProtocol, bridge, scratch: context.fieldScratch)
        _ = call.respond(fields, ended: false, self)
    }

    /// More of the answer's body has arrived.
    func passBridged(_ call: Record<Call>, _ bridge: Bridge, _ stream: StreamPointer, _ bytes: BorrowedBytes) {
        let downstream = call.downstream
        let isHeld = !call.machine.headIsSent
        do throws(ConversionFailure) {
            if isHeld {
                try convertAnswer(bridge, bytes, into: &bridge.answer)
            } else {
                try convertAnswer(bridge, bytes, into: &bridge.output)
            }
        } catch {
            // What came before it is whole, and the caller's.
            if isHeld, let json = bridge.json, json.form != .single, !json.isRaw, !bridge.answer.isEmpty {
                sendJSONHead(call, bridge, json, downstream, from: stream)
            }
            return calls.fail(call, error.cause)
        }
        if isHeld, let json = bridge.json, json.form != .single, !bridge.answer.isEmpty {
            sendJSONHead(call, bridge, json, downstream, from: stream)
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
    func bridgedAnswerDrained(_ call: Record<Call>, _ bridge: Bridge, _ count: Int) {
        let due = bridge.answerFlow.take(count)
        guard due > 0, let stream = call.upstream else { return }
        stream.connection { $0.consumed(stream, due) }
    }

    /// The upstream has said how the call ended, in its fields from `start` on.
    func endBridgedAnswer(_ call: Record<Call>, _ bridge: Bridge, _ stream: StreamPointer, from start: Int) {
        let downstream = call.downstream
        guard let code = call.outcome.grpcStatus, call.flags.contains(.statusSeen) else {
            let isCutOff = bridge.converter.answerIsWithinMessage
            return calls.fail(
                call,
                isCutOff
                    ? .upstreamMalformedMessage(field: "", problem: "it ends within a message")
                    : .upstreamWithoutStatus(httpStatus: call.outcome.httpStatus))
        }
        if code == .ok {
            do throws(ConversionFailure) {
                if call.machine.headIsSent {
                    try convertAnswerEnd(bridge, into: &bridge.output)
                } else {
                    try convertAnswerEnd(bridge, into: &bridge.answer)
                }
            } catch {
                return calls.fail(call, error.cause)
            }
        } else if !bridge.converter.answerIsAtBoundary {
            // The end would be read as the rest of a message.
            return calls.fail(call, .upstreamProtocolError)
        }
        replies.end.read(stream.fields, from: start, code: code)
        // Raw bytes have no place for an error, and are not to look complete.
        if code != .ok, call.machine.headIsSent, bridge.json?.isRaw == true {
            calls.handle(call, .completed)
            return downstream.connection { $0.reset(downstream, .internalError) }
        }
        if let json = bridge.json {
            endJSONAnswer(call, bridge, json, stream, downstream, code)
        } else if call.clientProtocol.answersWith200 {
            if !call.machine.headIsSent { sendBridgedHead(call, bridge, downstream, from: start == 0 ? nil : stream) }
            replies.end.write(
                for: call.clientProtocol, fields: stream.fields, from: start, to: &bridge.output)
            sendOutput(bridge, downstream)
        } else {
            sendWhole(call, bridge, stream, downstream, code)
        }
        // The caller may not have taken the head.
        guard call.machine.isUnderWay else { return }
        calls.handle(call, .completed)
        downstream.connection { $0.finish(downstream) }
    }

    /// A call's whole answer, once its end is known: its message, or its error in JSON.
    private func sendWhole(
        _ call: Record<Call>, _ bridge: Bridge, _ stream: StreamPointer, _ downstream: StreamPointer, _ code: StatusCode
    ) {
        if code != .ok {
            bridge.answer.removeAll()
            replies.end.writeError(to: &bridge.answer)
        }
        call.outcome.httpStatus = code.httpStatus
        let isGzip = bridge.pair != nil && compressAnswer(bridge)
        let encoding: BridgedAnswer.WholeEncoding =
            isGzip ? .gzip : code == .ok && bridge.converter.answerIsCompressed ? .upstreams : .identity
        let fields = BridgedAnswer.wholeHead(
            from: stream, to: downstream, code: code, bodyBytes: bridge.answer.count, isJSON: bridge.pair != nil,
            encoding: encoding, scratch: context.fieldScratch)
        if call.respond(fields, ended: false, self) {
            downstream.connection { $0.send(downstream, bridge.answer.readable) }
        }
        bridge.answer.removeAll()
    }

    /// Ends an answer that had begun, where it stands between two messages.
    func endBridgedAnswer(_ call: Record<Call>, _ bridge: Bridge, with refusal: Refusal) {
        let downstream = call.downstream
        if let json = bridge.json {
            // Raw bytes have no place for an error.
            guard !json.isRaw else { return downstream.connection { $0.reset(downstream, .internalError) } }
            transcoding.status.removeAll()
            replies.writeJSON(refusal, to: &transcoding.status)
            json.pair.response.finish(status: transcoding.status.readable, into: &bridge.output)
            compressOutput(bridge, isLast: true)
        } else {
            replies.writeEnd(refusal, for: call.clientProtocol, to: &bridge.output)
        }
        sendOutput(bridge, downstream)
        downstream.connection { $0.finish(downstream) }
    }
}

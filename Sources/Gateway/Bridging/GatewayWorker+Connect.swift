internal import Bridging
internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Protobuf
internal import Routing
internal import Snapshots
internal import Transcoding

/// What of Connect needs a schema: messages in JSON, and calls by GET.
extension GatewayWorker {
    /// The schema, where there is one, knows the method as one of a stream.
    func streams(_ call: Record<Call>, _ facts: HeadFacts) -> Bool {
        guard let plan = call.route.transcoding,
            let place = plan.schema.method(path: facts.path)
        else { return false }
        return plan.schema.methods[place].clientStreams || plan.schema.methods[place].serverStreams
    }

    /// Builds the bridge for a call by GET, whose message is there at once.
    func buildConnectQuery(_ call: Record<Call>, _ stream: StreamPointer) -> RefusalCause? {
        let facts = call.facts
        guard let query = ConnectQuery(facts.query) else { return .unsupportedContentType }
        guard call.flags.contains(.requestEnded) else {
            return .malformedMessage(field: "", problem: "a GET has its message in the query")
        }
        let isJSON = query.encoding.equals("json")
        guard isJSON || query.encoding.equals("proto") else { return .unsupportedContentType }
        call.facts.rewrite(target: facts.path)
        let cause: RefusalCause?
        let encoding = query.compression.isEmpty ? nil : query.compression
        if isJSON {
            cause = buildConnectJSON(call, stream, facts, encoding: encoding)
        } else {
            if let encoding { stream.fields.append(Field("content-encoding", value: encoding, token: .contentEncoding)) }
            cause = buildMessageBridge(call, stream)
        }
        if let cause { return cause }
        call.facts.rewrite(method: Self.post)
        let bridge = call.bridge!
        var message = ByteBuffer()
        guard query.append(to: &message, scratch: &transcoding.status) else {
            return .malformedMessage(field: "", problem: "the query's message is no base64 or percent encoding")
        }
        do throws(ConversionFailure) {
            try convertRequest(bridge, message.readable)
        } catch { return error.cause }
        return endBridgedRequest(call)
    }

    /// Puts transcoders between a Connect caller whose messages are JSON and the upstream.
    ///
    /// - Parameter encoding: of the message, where the head does not say it.
    func buildConnectJSON(
        _ call: Record<Call>, _ stream: StreamPointer, _ facts: HeadFacts, encoding: BorrowedBytes? = nil
    ) -> RefusalCause? {
        guard let plan = call.route.transcoding else {
            let isAwaited = call.route.hasSchema
            return isAwaited ? .schemaUnknown(retryAfter: .seconds(1)) : .unsupportedContentType
        }
        guard let place = plan.schema.method(path: facts.path) else {
            methodMissed(call)
            return .noMethod
        }
        let method = plan.schema.methods[place]
        let isUnary = call.clientProtocol == .connectUnary
        guard !isUnary || !method.clientStreams && !method.serverStreams else { return .unsupportedContentType }
        resolver.match.becomeOwn(method: place)
        let pair = takePair(plan)
        do throws(ConversionFailure) {
            let request = try BridgedRequest(&stream.fields, caller: call.clientProtocol, readsMessages: true)
            let encoding = encoding ?? request.encoding
            let bridge: Bridge
            if isUnary {
                let none = BorrowedBytes.none
                bridge = Bridge(
                    try JSONConverter(pair, resolver.match, form: .single, contentType: none), pair: pair,
                    acceptsGzip: request.acceptsGzip)
                if let cause = readCompressed(call, bridge, encoding) { return cause }
            } else {
                if let encoding, !Self.isGzip(encoding) {
                    return .unsupportedCompression(accepted: CompressionPool.readableEncodings)
                }
                let converter = try EnvelopeConverter(
                    pair, resolver.match, gzip: compression.gzip, requestIsGzip: encoding != nil,
                    answerIsGzip: request.acceptsGzip)
                bridge = Bridge(converter, pair: pair, acceptsGzip: request.acceptsGzip)
            }
            call.bridge = bridge
        } catch {
            return error.cause
        }
        recordBridged(call, stream)
        return nil
    }

    /// The head is gRPC's now.
    func recordBridged(_ call: Record<Call>, _ stream: StreamPointer) {
        stream.trailersStart = stream.fields.count
        call.facts.timeout = stream.fields.first(.grpcTimeout)?.valueBytes
    }
}

internal import Bridging
internal import Bytes
internal import Calls
internal import Filters
internal import GRPC
internal import HTTPModel
internal import Protobuf
internal import Routing
internal import Snapshots
internal import Transcoding

/// How bridges are built.
extension Bridges {
    /// Builds the bridge for a caller that speaks gRPC-Web, Connect or JSON, and rewrites the request's head to gRPC.
    ///
    /// - Returns: why the call cannot be converted; `nil` where it can.
    func build(_ call: Record<Call>) -> RefusalCause? {
        let stream = call.downstream
        let facts = call.facts
        // An upstream that speaks HTTP/1.1 has no gRPC to convert to: what a caller says is between the two.
        guard !call.route.leadsToHTTP1 else { return nil }
        let type = facts.contentType
        if let plan = call.transcoding { return plan { buildTranscoder(call, stream, $0) } }
        switch call.clientProtocol {
        case .grpc, .http: return nil
        case .connectUnary where facts.method.equals("GET"): return buildConnectQuery(call, stream)
        case .connectUnary where type.map { BridgedRequest.isJSON($0) } == true, .connectJSONStream:
            if let cause = buildConnectJSON(call, stream, facts) { return cause }
            return endIfComplete(call)
        case .connectStream where type.map { BridgedRequest.isConnectProto($0) } == false: return .unsupportedContentType
        case .grpcWeb where type.map { BridgedRequest.isWebProto($0) } == false,
            .grpcWebText where type.map { BridgedRequest.isWebProto($0) } == false:
            return .unsupportedContentType
        case .connectUnary where streams(call, facts): return .unsupportedContentType
        case .grpcWeb, .grpcWebText, .connectUnary, .connectStream: break
        }
        if let cause = buildProto(call, stream) { return cause }
        return endIfComplete(call)
    }

    private func endIfComplete(_ call: Record<Call>) -> RefusalCause? {
        call.flags.contains(.requestEnded) ? endRequest(call) : nil
    }

    /// The head has been rewritten to gRPC.
    private func recordHead(_ call: Record<Call>, _ stream: StreamPointer) {
        stream.trailersStart = stream.fields.count
        call.facts.timeout = stream.fields.first(.grpcTimeout)?.valueBytes
    }

    /// Builds the bridge for a caller whose messages are the upstream's.
    private func buildProto(_ call: Record<Call>, _ stream: StreamPointer) -> RefusalCause? {
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
        recordHead(call, stream)
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

    // MARK: Connect with a schema

    /// The schema, where there is one, knows the method as one of a stream.
    private func streams(_ call: Record<Call>, _ facts: HeadFacts) -> Bool {
        guard let plan = call.route.transcoding,
            let place = plan.schema.method(path: facts.path)
        else { return false }
        return plan.schema.methods[place].clientStreams || plan.schema.methods[place].serverStreams
    }

    /// Builds the bridge for a call by GET, whose message is there at once.
    private func buildConnectQuery(_ call: Record<Call>, _ stream: StreamPointer) -> RefusalCause? {
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
            cause = buildProto(call, stream)
        }
        if let cause { return cause }
        call.facts.rewrite(method: BorrowedBytes("POST"))
        var message = ByteBuffer()
        guard query.append(to: &message, scratch: &text) else {
            return .malformedMessage(field: "", problem: "the query's message is no base64 or percent encoding")
        }
        do throws(ConversionFailure) {
            try call.bridge?.convertRequest(message.readable, &compression)
        } catch { return error.cause }
        return endRequest(call)
    }

    /// Puts transcoders between a Connect caller whose messages are JSON and the upstream.
    ///
    /// - Parameter encoding: of the message, where the head does not say it.
    private func buildConnectJSON(
        _ call: Record<Call>, _ stream: StreamPointer, _ facts: HeadFacts, encoding: BorrowedBytes? = nil
    ) -> RefusalCause? {
        guard let plan = call.route.transcoding else {
            let isAwaited = call.route.hasSchema
            return isAwaited ? .schemaUnknown(retryAfter: .seconds(1)) : .unsupportedContentType
        }
        guard let place = plan.schema.method(path: facts.path) else {
            worker { $0.methodMissed(call) }
            return .noMethod
        }
        let method = plan.schema.methods[place]
        let isUnary = call.clientProtocol == .connectUnary
        guard !isUnary || !method.clientStreams && !method.serverStreams else { return .unsupportedContentType }
        worker.resolver.match.becomeOwn(method: place)
        let pair = pair(for: plan)
        do throws(ConversionFailure) {
            let request = try BridgedRequest(&stream.fields, caller: call.clientProtocol, readsMessages: true)
            let encoding = encoding ?? request.encoding
            let bridge: Bridge
            if isUnary {
                let none = BorrowedBytes.none
                bridge = Bridge(
                    try JSONConverter(pair, worker.resolver.match, form: .single, contentType: none), pair: pair,
                    acceptsGzip: request.acceptsGzip)
                if let cause = bridge.readCompressed(encoding, bytesMax: call.bodyBytesMax, &compression) { return cause }
            } else {
                if let encoding, !Bridge.isGzip(encoding) {
                    return .unsupportedCompression(accepted: CompressionPool.readableEncodings)
                }
                let converter = try EnvelopeConverter(
                    pair, worker.resolver.match, gzip: compression.gzip, requestIsGzip: encoding != nil,
                    answerIsGzip: request.acceptsGzip)
                bridge = Bridge(converter, pair: pair, acceptsGzip: request.acceptsGzip)
            }
            call.bridge = bridge
        } catch {
            return error.cause
        }
        recordHead(call, stream)
        return nil
    }

    // MARK: JSON of REST

    /// Puts transcoders between the caller and the upstream, for a request whose RPC a schema has said.
    private func buildTranscoder(_ call: Record<Call>, _ stream: StreamPointer, _ plan: TranscodingPlan) -> RefusalCause? {
        let method = plan.schema.methods[worker.resolver.match.method]
        if let rules = call.policy.query {
            worker.resolver.match.narrow(query: Rewriting.query(call.facts.query, rules, in: &stream.fields))
        }
        let form: ResponseForm = method.serverStreams ? Self.form(stream.fields, plan.options.streamForm) : .single
        let none = BorrowedBytes.none
        do throws(ConversionFailure) {
            let converter = try JSONConverter(
                pair(for: plan), worker.resolver.match, form: form, contentType: call.facts.contentType ?? none)
            let isTyped = call.facts.contentType != nil
            if converter.pair.request.readsJSON, let type = call.facts.contentType, !BridgedRequest.isAnyJSON(type) {
                throw ConversionFailure(.bodyIsNotJSON)
            }
            let request = try BridgedRequest(&stream.fields, caller: call.clientProtocol, readsMessages: true)
            let bridge = Bridge(
                converter, json: converter, pair: converter.pair, acceptsGzip: request.acceptsGzip && call.route.compressesJSON)
            bridge.refusesBody = !isTyped && !plan.options.readsUntypedBodies && converter.pair.request.readsJSON
            bridge.isHead = call.facts.method.equals("HEAD")
            if let cause = bridge.readCompressed(request.encoding, bytesMax: call.bodyBytesMax, &compression) { return cause }
            call.bridge = bridge
        } catch {
            return error.cause
        }
        call.facts.rewrite(method: BorrowedBytes("POST"))
        recordHead(call, stream)
        return endIfComplete(call)
    }

    /// By `accept`; the route's where that names none of the forms.
    private static func form(_ fields: FieldBlock, _ usual: ResponseForm) -> ResponseForm {
        for field in fields.all where field.token == .other && field.nameBytes.equals("accept") {
            if BridgedRequest.names(field.valueBytes, "text/event-stream") { return .events }
            if BridgedRequest.names(field.valueBytes, "application/x-ndjson") { return .lines }
            if BridgedRequest.names(field.valueBytes, "application/json") { return .array }
        }
        return usual
    }
}

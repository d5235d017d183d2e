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
        var match = BindingMatch()
        var idle: [TranscoderPair] = []
        var status = ByteBuffer(capacity: 256)
        static var idleMax: Int { 64 }
    }

    enum Finding {
        case found, notFound
        case methodNotAllowed(allow: String)
    }

    /// Finds the RPC that a request means by the schemas of the snapshot, and its route: the first in the order written that
    /// takes the RPC or the path that was sent. Rules and limits of a method apply however it is called.
    func findTranscoded(_ call: Record<Call>, _ stream: StreamPointer, _ snapshot: Snapshot) -> Finding {
        call.transcoding = nil
        if let found = findConnectQuery(call, stream, snapshot) { return found }
        let facts = call.facts
        let direct = match(facts, stream, snapshot)?.route
        if facts.method.equals("OPTIONS"),
            let asked = CORSRequest(stream.fields, method: facts.method).preflightMethod
        {
            return findPreflight(asked, direct, call, stream, snapshot)
        }
        switch meaning(of: facts.method, facts, direct, stream, snapshot) {
        case .method(let route): return serveMatch(by: route, of: snapshot, call, stream)
        case .otherMethods(let route):
            take(route: route, method: -1, of: snapshot, call)
            return .methodNotAllowed(allow: allowed(facts, direct, stream, snapshot))
        case .none:
            guard let direct else { return .notFound }
            take(route: direct, method: snapshot.table.method(of: direct, facts.rpc) ?? -1, of: snapshot, call)
            methodMissed(call)
            return .found
        }
    }

    /// A preflight takes the route of what it asks about, and runs nothing: where no `cors` answers it, the path does not take
    /// OPTIONS (RFC 9110, section 9.2.1: it is safe, and any page can have a browser send it).
    private func findPreflight(
        _ asked: BorrowedBytes, _ direct: Int?, _ call: Record<Call>, _ stream: StreamPointer, _ snapshot: Snapshot
    ) -> Finding {
        var facts = call.facts
        // Routes that ask for an HTTP method are asked for that one.
        facts.rewrite(method: asked)
        let route: Int
        switch meaning(of: asked, facts, direct, stream, snapshot) {
        case .method(let found), .otherMethods(let found): route = found
        case .none:
            guard let direct else { return .notFound }
            take(route: direct, method: snapshot.table.method(of: direct, facts.rpc) ?? -1, of: snapshot, call)
            return .found
        }
        take(route: route, method: -1, of: snapshot, call)
        guard snapshot.routes[route].cors == nil else { return .found }
        return .methodNotAllowed(allow: allowed(facts, direct, stream, snapshot))
    }

    /// Whether JSON with Connect's headers is REST's nevertheless: a schema binds the path and the HTTP method, and the path is
    /// the name of no method. Whatever else names no method stays Connect's, and is refused: as plain HTTP it would reach a
    /// server that may read a method's name in it.
    func isREST(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> Bool {
        guard !snapshot.transcodings.isEmpty, facts.contentType.map({ BridgedRequest.isJSON($0) }) == true else { return false }
        let direct = snapshot.table.route(for: facts, fields: stream.fields)
        if !facts.service.isEmpty, let direct, let plan = snapshot.routes[direct].transcoding,
            plan.schema.method(path: facts.path) != nil
        {
            return false
        }
        guard case .method = meaning(of: facts.method, facts, direct, stream, snapshot) else { return false }
        return true
    }

    /// What a path means with an HTTP method.
    private enum Meaning {
        /// The method is the one in `transcoding.match`, of the route's schema.
        case method(route: Int)
        /// Only others are bound to the path.
        case otherMethods(route: Int)
        case none
    }

    private func meaning(
        of method: BorrowedBytes, _ facts: HeadFacts, _ direct: Int?, _ stream: StreamPointer, _ snapshot: Snapshot
    ) -> Meaning {
        if let direct, method.equals("POST"), let plan = snapshot.routes[direct].transcoding,
            plan.matchOwn(path: facts.path, query: facts.query, into: transcoding.match)
        {
            return .method(route: direct)
        }
        // What is not accepted after another method was leaves that one's route.
        var chosen = -1
        func accepts(_ plan: TranscodingPlan, _ method: MethodSchema) -> Bool {
            let route = Self.route(of: method, plan, facts, direct, stream, snapshot)
            if route >= 0 { chosen = route }
            return route >= 0
        }
        var outcome = snapshot.directory.match(method: method, facts, into: transcoding.match, accepts: accepts)
        if outcome != .found, method.equals("HEAD") {
            // What has GET has HEAD (RFC 9110, section 9.3.2).
            outcome = snapshot.directory.match(method: Self.get, facts, into: transcoding.match, accepts: accepts)
        }
        if outcome == .found { return .method(route: chosen) }
        if outcome == .methodNotAllowed, direct == nil || direct == chosen { return .otherMethods(route: chosen) }
        return .none
    }

    /// The HTTP methods that a path takes, as `allow` lists them.
    private func allowed(_ facts: HeadFacts, _ direct: Int?, _ stream: StreamPointer, _ snapshot: Snapshot) -> String {
        var methods = snapshot.directory.methods(facts) { plan, method in
            Self.route(of: method, plan, facts, direct, stream, snapshot) >= 0
        }
        if methods.remove("*") != nil { methods.formUnion(["DELETE", "GET", "PATCH", "POST", "PUT"]) }
        if methods.contains("GET") { methods.insert("HEAD") }
        if methods.isEmpty { methods.insert("POST") }
        return methods.sorted().joined(separator: ", ")
    }

    /// The route that a request is served by if it means this method, -1 where an earlier one takes its path for another
    /// cluster, or none leads to the method.
    static func route(
        of method: MethodSchema, _ plan: TranscodingPlan, _ facts: HeadFacts, _ direct: Int?, _ stream: StreamPointer,
        _ snapshot: Snapshot
    ) -> Int {
        func leadsThere(_ route: Int) -> Bool { snapshot.routes[route].transcoding?.schema === plan.schema }
        let routed = snapshot.table.route(for: self.facts(facts, of: method, stream), fields: stream.fields)
        guard let direct else { return routed.map { leadsThere($0) ? $0 : -1 } ?? -1 }
        if let routed, routed < direct, leadsThere(routed) { return routed }
        return leadsThere(direct) ? direct : -1
    }

    private func serveMatch(
        by route: Int, of snapshot: Snapshot, _ call: Record<Call>, _ stream: StreamPointer
    ) -> Finding {
        let plan = snapshot.routes[route].transcoding!
        let facts = Self.facts(call.facts, of: plan.schema.methods[transcoding.match.method], stream)
        call.facts = facts
        take(route: route, method: snapshot.table.method(of: route, facts.rpc) ?? -1, of: snapshot, call)
        call.transcoding = Borrowed(plan)
        return .found
    }

    /// A method was called that is not there: perhaps the cluster has another schema by now.
    func methodMissed(_ call: Record<Call>) {
        guard call.isRouted, call.route.leadsToCluster else { return }
        call.cluster { cluster in
            if cluster.missesMethod() { schemaMissed?(cluster.plan.name) }
        }
    }

    /// The method's path goes into the arena of the stream, where its parts last as long as the head.
    static func facts(_ facts: HeadFacts, of method: MethodSchema, _ stream: StreamPointer) -> HeadFacts {
        var path = method.path
        let kept = path.withUTF8 { stream.fields.keep(BorrowedBytes($0)) }
        var facts = facts
        let serviceCount = method.serviceName.utf8.count
        facts.rewrite(
            service: BorrowedBytes(rebasing: kept[1..<(1 + serviceCount)]),
            rpc: BorrowedBytes(rebasing: kept[(2 + serviceCount)...]))
        facts.rewrite(target: kept)
        return facts
    }

    /// Puts transcoders between the caller and the upstream, for a request that `findTranscoded` found.
    func buildTranscoder(_ call: Record<Call>, _ stream: StreamPointer, _ plan: TranscodingPlan) -> RefusalCause? {
        let method = plan.schema.methods[transcoding.match.method]
        let form: ResponseForm = method.serverStreams ? Self.form(stream.fields) : .single
        let none = BorrowedBytes.none
        do throws(ConversionFailure) {
            let converter = try JSONConverter(
                takePair(plan), transcoding.match, form: form, contentType: call.facts.contentType ?? none)
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

    private static var get: BorrowedBytes {
        let text: StaticString = "GET"
        return BorrowedBytes(start: text.utf8Start, count: text.utf8CodeUnitCount)
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

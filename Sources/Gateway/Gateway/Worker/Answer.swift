internal import Balancing
internal import Bridging
internal import Bytes
internal import Calls
internal import Filters
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Snapshots
internal import Transport
internal import Upstreams

/// An upstream's answer on its way to the caller.
extension Record<Call> {
    /// A head with a status of 1xx has arrived.
    func passInterim(_ stream: StreamPointer, _ worker: GatewayWorker) {
        // gRPC callers have no use for them, and some clients take them for the answer.
        guard !self.isRPC else { return }
        let downstream = self.downstream
        worker.filters.dropFields(self, stream, from: 0)
        let fields = ResponseHead.write(
            from: stream, to: downstream, status: 0, isInformational: true, scratch: worker.context.fieldScratch)
        downstream.serverConnection { $0.inform(downstream, fields) }
    }

    /// The head of the answer has arrived, and the attempt that it is of is the one that counts.
    func passHead(_ stream: StreamPointer, ended: Bool, _ worker: GatewayWorker) {
        let downstream = self.downstream
        if stream.flags.contains(.headTooLarge) {
            guard ended, self.isRPC, stream.fields.first(.grpcStatus) != nil else {
                // The endpoint answers, and others may be small.
                worker.upstream.record(stream.attempt, .success)
                return worker.calls.fail(self, .upstreamHeadTooLarge(of: stream))
            }
            dropDetails(stream, from: 0, worker)
        }
        // A converted answer that ends with its head has trailers there, which lie in a body.
        worker.filters.dropHeadFields(self, stream, isFinal: !ended || self.bridge == nil)
        let status = stream.fields.status
        if self.isRPC, let refusal = AnswerCheck.refusal(stream, status: status, ended: ended) {
            worker.upstream.record(stream.attempt, status < 400 ? .failure : AttemptOutcome(httpStatus: status))
            return worker.calls.fail(self, refusal)
        }
        if ended { _ = recordStatus(stream, from: 0) }
        if let bridge = self.bridge {
            if ended { recordAnswer(stream.attempt, worker) }
            return worker.bridges { $0.beginAnswer(self, bridge, stream, ended: ended) }
        }
        self.outcome.httpStatus = status
        var written = ResponseHead.write(from: stream, to: downstream, status: status, scratch: worker.context.fieldScratch)
        if ended, self.flags.contains(.statusSeen), !downstream.connection({ $0.accepts(written) }) {
            dropDetails(stream, from: 0, worker)
            written = ResponseHead.write(from: stream, to: downstream, status: status, scratch: worker.context.fieldScratch)
        }
        // Native calls nearly all end in trailers, whatever happens: only those that are known to break are worth keeping the head of.
        let isBroken = stream.flags.intersection([.closed, .remoteEnded]) == .closed
        guard respond(written, ended: ended, mayWithdraw: isBroken || !isNative, worker), ended else { return }
        recordAnswer(stream.attempt, worker)
        worker.calls.handle(self, .completed)
    }

    /// Sends the head of an upstream's answer, behind the filters. False where the caller takes none as large (RFC 9113, section 6.5.2): it
    /// gets a refusal then.
    ///
    /// - Parameters:
    ///   - written: in the worker's field scratch.
    ///   - mayWithdraw: where the answer breaks before the head is written, the call may be refused instead.
    func respond(_ written: FieldList, ended: Bool, mayWithdraw: Bool = true, _ worker: GatewayWorker) -> Bool {
        let fields = worker.filters.answer(self, written, ended: ended)
        let downstream = self.downstream
        return downstream.serverConnection { connection in
            guard connection.accepts(fields) else {
                let cause = RefusalCause.headTooLargeForCaller(
                    bytes: fields.listBytes, bytesMax: connection.peerFieldListBytesMax)
                worker.calls.fail(self, cause)
                return false
            }
            worker.calls.handle(self, .head)
            if mayWithdraw, !ended {
                connection.respondWithdrawably(downstream, fields)
            } else {
                connection.respond(downstream, fields, ended: ended)
            }
            return true
        }
    }

    /// More of the answer's body has arrived.
    func passBody(_ stream: StreamPointer, _ slice: BufferSlice, _ worker: GatewayWorker) {
        let downstream = self.downstream
        if self.meter != nil, !worker.filters.metering.answerCarried(self, slice.bytes) { return }
        self.outcome.responseBytes += slice.count
        // Only of an RPC is it asked; a body of zeros would be an empty message every five bytes.
        if self.isRPC { self.boundary.pass(slice.bytes) }
        if let bridge = self.bridge { return worker.bridges { $0.forwardAnswer(self, bridge, stream, slice.bytes) } }
        if self.compressor != nil { return worker.bridges { $0.compress(self, stream, slice.bytes) } }
        downstream.connection { $0.send(downstream, slice) }
        worker.checkMemory(after: downstream)
    }

    /// The answer is complete; its trailers, if any, are there.
    func passEnd(_ stream: StreamPointer, _ worker: GatewayWorker) {
        let downstream = self.downstream
        if stream.flags.contains(.headTooLarge) { dropDetails(stream, from: stream.trailersStart, worker) }
        worker.filters.dropFields(self, stream, from: stream.trailersStart)
        let isReadable = recordStatus(stream, from: stream.trailersStart)
        recordAnswer(stream.attempt, worker)
        guard isReadable else { return endUnreadable(stream, worker) }
        if let bridge = self.bridge { return worker.bridges { $0.endAnswer(self, bridge, stream, from: stream.trailersStart) } }
        if case .grpc = self.clientProtocol, !self.flags.contains(.statusSeen) {
            let cause = RefusalCause.upstreamWithoutStatus(httpStatus: self.outcome.httpStatus)
            return worker.calls.handle(self, .endUnreadable, .refusal(cause))
        }
        if self.compressor != nil {
            worker.bridges { $0.endGzip(self) }
            // The end may have been more than there is memory for.
            guard self.machine.isUnderWay else { return }
        }
        worker.calls.handle(self, .completed)
        downstream.connection { connection in
            var trailers = trailers(from: stream, worker)
            if !trailers.isEmpty, !connection.accepts(trailers) {
                dropDetails(stream, from: stream.trailersStart, bytesMax: connection.peerFieldListBytesMax, worker)
                trailers = self.trailers(from: stream, worker)
            }
            if trailers.isEmpty {
                connection.finish(downstream)
            } else {
                connection.finish(downstream, trailers: downstream.fields.keepFields(trailers))
            }
        }
    }

    /// In the worker's scratch.
    private func trailers(from stream: StreamPointer, _ worker: GatewayWorker) -> FieldList {
        ResponseHead.trailers(from: stream, to: self.downstream, scratch: worker.context.fieldScratch)
    }

    /// False where an RPC's status is there and cannot be read. (Of an answer that ends with its head `AnswerCheck` has seen.)
    private func recordStatus(_ stream: StreamPointer, from start: Int) -> Bool {
        let status = AnswerStatus(stream.fields, from: start)
        guard let code = status.code else { return true }
        self.flags.insert(.statusSeen)
        self.outcome.grpcStatus = code
        if status.isRepeated, !status.isMalformed {
            AnswerStatus.removeRepeats(in: &stream.fields, from: start)
            if start == 0 { stream.trailersStart = stream.fields.count }
        }
        return !status.isMalformed || !self.isRPC
    }

    /// What the answer says of the endpoint.
    private func recordAnswer(_ attempt: Record<Attempt>, _ worker: GatewayWorker) {
        if let status = self.outcome.grpcStatus {
            worker.upstream.record(attempt, AttemptOutcome(status))
            if case .unimplemented = status { worker.methodMissed(self) }
        } else {
            worker.upstream.record(attempt, self.isRPC ? .failure : AttemptOutcome(httpStatus: self.outcome.httpStatus))
        }
    }

    /// The answer's trailers say nothing that could be passed on.
    private func endUnreadable(_ stream: StreamPointer, _ worker: GatewayWorker) {
        let found = AnswerStatus.describe(stream.fields, from: stream.trailersStart)
        let cause = RefusalCause.upstreamMalformedStatus(found: found)
        if self.bridge != nil { return worker.calls.fail(self, cause) }
        worker.calls.handle(self, .endUnreadable, .refusal(cause))
    }

    /// Keeps of a section that was too large only what says how the call ended. The endpoint is not blamed for it.
    ///
    /// - Parameter bytesMax: of the whole section, where the caller has said so.
    private func dropDetails(_ stream: StreamPointer, from start: Int, bytesMax: Int = .max, _ worker: GatewayWorker) {
        if self.isRPC {
            ResponseHead.dropDetails(of: stream, from: start, bytesMax: bytesMax)
        } else {
            // Trailers of HTTP may be left out (RFC 9110, section 6.5.1).
            stream.fields.removeAll(from: start) { _ in true }
        }
        self.outcome.remark("upstream_trailers_too_large")
        worker.metrics.count(.upstreamDetailsDropped)
    }
}

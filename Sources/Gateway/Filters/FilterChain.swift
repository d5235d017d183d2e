internal import Bytes
internal import Calls
internal import GRPC
internal import HTTPModel
internal import Snapshots
internal import Transport

/// The filters of a worker, and the way of a call through those that its policy lists: requests in their order, answers in the opposite
/// one.
final class FilterChain {
    let authentication = AuthenticationFilter()
    let limits: LimitsFilter
    let traffic = TrafficFilter()

    init(limiter: Limiter) { limits = LimitsFilter(limiter) }

    /// Takes a call whose route is known through its filters.
    func start(_ call: Record<Call>, _ worker: GatewayWorker) {
        call.filtersLeft = call.policy.filters
        if case .grpc = call.clientProtocol { call.filtersLeft.remove(.converter) }
        run(call, worker)
    }

    private func run(_ call: Record<Call>, _ worker: GatewayWorker) {
        while let filter = call.filtersLeft.takeFirst() {
            switch request(filter, CallView(call, worker)) {
            case .proceed: continue
            case .suspended:
                worker.calls.handle(call, .waits)
                return
            case .replied: return
            }
        }
        if worker.calls.handle(call, .filtered).contains(.dispatch) { worker.upstream.start(call) }
    }

    @inline(__always)
    private func request(_ filter: Filter, _ call: CallView) -> FilterVerdict {
        switch filter {
        case .cors: CORSFilter.request(call)
        case .protocols: ProtocolsFilter.request(call)
        case .admission: AdmissionFilter.request(call)
        case .converter: ConverterFilter.request(call)
        case .deadline: DeadlineFilter.request(call)
        case .earlyLimits: limits.requestEarly(call)
        case .authentication: authentication.request(call)
        case .authorization: AuthorizationFilter.request(call)
        case .servable: ServableFilter.request(call)
        case .limits: limits.request(call)
        case .conversion: ConversionFilter.request(call)
        case .traffic: traffic.request(call)
        case .headers: HeadersFilter.request(call)
        case .directAnswer: DirectAnswerFilter.request(call)
        }
    }

    /// The answer that a suspended call has waited for is there; nothing happens where the call is over, or has gone on.
    func resume(_ token: SuspensionToken, _ worker: GatewayWorker, _ decide: (CallView) -> FilterVerdict) {
        guard let call = token.waitingCall else { return }
        worker.calls.handle(call, .resumed)
        switch decide(CallView(call, worker)) {
        case .proceed: run(call, worker)
        case .suspended: worker.calls.handle(call, .waits)
        case .replied: break
        }
    }

    // MARK: The way back

    /// Takes out of an upstream's head, before anything is made of it, what filters let go no further.
    ///
    /// - Parameter isFinal: it goes through `answer` later, where values may still be made of what is dropped there.
    @inline(__always)
    func dropHeadFields(_ call: Record<Call>, _ stream: StreamPointer, isFinal: Bool) {
        guard !call.answerFilters.isEmpty else { return }
        stream.removeHeadFields { isDropped($0, call, isFinal) }
    }

    /// The same of trailers, or of a head with a status of 1xx: of the fields from `start` on.
    @inline(__always)
    func dropFields(_ call: Record<Call>, _ stream: StreamPointer, from start: Int) {
        guard !call.answerFilters.isEmpty else { return }
        stream.fields.removeAll(from: start) { isDropped($0, call, false) }
    }

    private func isDropped(_ field: Field, _ call: Record<Call>, _ isFinal: Bool) -> Bool {
        let filters = call.answerFilters
        return filters.contains(.cors) && CORSFilter.drops(field)
            || !isFinal && filters.contains(.headers) && HeadersFilter.drops(field, call)
    }

    /// The head of an answer, an upstream's or our own, with what the filters that have seen the request have to say, the last of them
    /// first.
    ///
    /// - Parameter written: in the worker's field scratch, where the result is too.
    @inline(__always)
    func answer(_ call: Record<Call>, _ written: FieldList) -> FieldList {
        guard !call.answerFilters.isEmpty else { return written }
        return changed(call, written)
    }

    private func changed(_ call: Record<Call>, _ written: FieldList) -> FieldList {
        call.worker { worker in
            var answer = FieldWriter(
                for: call.downstream, scratch: worker.context.fieldScratch, holding: written.count)
            var filters = call.answerFilters
            while let filter = filters.takeLast() {
                switch filter {
                case .cors: CORSFilter.answer(CallView(call, worker), &answer)
                case .headers: HeadersFilter.answer(CallView(call, worker), &answer)
                default: break
                }
            }
            return answer.written
        }
    }

    /// The call is over: what filters hold of it is given back.
    @inline(__always)
    func end(_ call: Record<Call>) {
        if let request = call.limitRequest { limits.end(call, request) }
    }
}

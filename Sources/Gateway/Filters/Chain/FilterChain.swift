package import Bytes
internal import Calls
internal import GRPC
package import HTTPModel
internal import Snapshots
internal import Transport

/// The filters of a worker, and the way of a call through those that its policy lists: requests in their order, answers in the opposite
/// one.
package final class FilterChain {
    package let services: FilterServices
    package let authentication = AuthenticationFilter()
    package let limits: LimitsFilter
    package let metering: StreamMetering
    /// Asked for every head, and so without counting references.
    private let admission: Borrowed<Admission>

    package init(_ services: FilterServices, limiter: Limiter) {
        self.services = services
        metering = StreamMetering(services)
        limits = LimitsFilter(limiter, services, metering)
        admission = Borrowed(services.admission)
    }

    /// No call is taken, of whatever priority.
    package var isFull: Bool { admission { $0.isFull } }

    /// Takes a call whose route is known through its filters, as far as they let it pass.
    package func start(_ call: Record<Call>) -> FilterVerdict {
        call.filtersLeft = call.policy.filters
        if case .grpc = call.clientProtocol { call.filtersLeft.remove(.converter) }
        return run(call)
    }

    /// Takes it through those that are left.
    private func run(_ call: Record<Call>) -> FilterVerdict {
        while let filter = call.filtersLeft.popFirst() {
            let verdict = request(filter, CallView(call, services))
            guard case .proceed = verdict else { return verdict }
        }
        return .proceed
    }

    /// Tells a filter the answer that it has suspended the call for, and takes the call on.
    package func resume(_ call: Record<Call>, _ decide: (CallView) -> FilterVerdict) -> FilterVerdict {
        let verdict = decide(CallView(call, services))
        guard case .proceed = verdict else { return verdict }
        return run(call)
    }

    @inline(__always)
    private func request(_ filter: Filter, _ call: CallView) -> FilterVerdict {
        switch filter {
        case .cors: CORSFilter.request(call)
        case .protocols: ProtocolsFilter.request(call)
        case .admission: AdmissionFilter.request(call)
        case .converter: ConverterFilter.request(call)
        case .compression: CompressionFilter.request(call)
        case .deadline: DeadlineFilter.request(call)
        case .earlyLimits: limits.requestEarly(call)
        case .authentication: authentication.request(call)
        case .authorization: AuthorizationFilter.request(call)
        case .servable: ServableFilter.request(call)
        case .limits: limits.request(call)
        case .conversionFailure: ConversionFailureFilter.request(call)
        case .traffic: TrafficFilter.request(call)
        case .headers: HeadersFilter.request(call)
        case .directAnswer: DirectAnswerFilter.request(call, limits)
        }
    }

    // MARK: The way back

    /// Takes out of an upstream's head, before anything is made of it, what filters let go no further.
    ///
    /// - Parameter isFinal: it goes through `answer` later, where values may still be made of what is dropped there.
    @inline(__always)
    package func dropHeadFields(_ call: Record<Call>, _ stream: StreamPointer, isFinal: Bool) {
        guard !call.answerFilters.isEmpty else { return }
        if isFinal, call.answerFilters.contains(.compression) {
            CompressionFilter.head(call, stream.fields.section(from: 0, to: stream.trailersStart))
        }
        stream.removeHeadFields { isDropped($0, call, isFinal) }
    }

    /// The same of trailers, or of a head with a status of 1xx: of the fields from `start` on.
    @inline(__always)
    package func dropFields(_ call: Record<Call>, _ stream: StreamPointer, from start: Int) {
        guard !call.answerFilters.isEmpty else { return }
        stream.fields.removeAll(from: start) { isDropped($0, call, false) }
    }

    private func isDropped(_ field: Field, _ call: Record<Call>, _ isFinal: Bool) -> Bool {
        let filters = call.answerFilters
        return filters.contains(.cors) && CORSFilter.drops(field)
            || filters.contains(.limits) && LimitsFilter.drops(field, call)
            || filters.contains(.headers) && HeadersFilter.drops(field, call, isFinal: isFinal)
            || filters.contains(.compression) && CompressionFilter.drops(field, call)
    }

    /// An upstream's, as below.
    package func answer(_ call: Record<Call>, _ written: FieldList, ended: Bool) -> FieldList {
        Self.answer(call, written, services, ended: ended)
    }

    /// The head of an answer, an upstream's or our own, with what the filters that have seen the request have to say, the last of them
    /// first.
    ///
    /// - Parameters:
    ///   - written: in the worker's field scratch, where the result is too.
    ///   - ended: the answer is over with it.
    @inline(__always)
    package static func answer(
        _ call: Record<Call>, _ written: FieldList, _ services: FilterServices, ended: Bool = false
    ) -> FieldList {
        guard !call.answerFilters.isEmpty else { return written }
        return changed(call, written, services, ended: ended)
    }

    private static func changed(
        _ call: Record<Call>, _ written: FieldList, _ services: FilterServices, ended: Bool
    ) -> FieldList {
        var answer = FieldWriter(
            for: call.downstream, scratch: services.context.fieldScratch, holding: written.count)
        var filters = call.answerFilters
        while let filter = filters.popLast() {
            switch filter {
            case .cors: CORSFilter.answer(CallView(call, services), &answer)
            case .limits: LimitsFilter.answer(CallView(call, services), &answer)
            case .headers: HeadersFilter.answer(CallView(call, services), &answer)
            case .compression: CompressionFilter.answer(CallView(call, services), &answer, ended: ended)
            default: break
            }
        }
        return answer.written
    }

    /// The call is over: what filters hold of it is given back.
    @inline(__always)
    package func end(_ call: Record<Call>) {
        if call.limitRequest != nil || call.responseCharge != nil || call.limitHolds != nil || call.meter != nil {
            limits.end(CallView(call, services))
        }
    }
}

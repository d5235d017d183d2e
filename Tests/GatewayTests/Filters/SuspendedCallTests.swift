import AccessControl
import Bytes
import Calls
import HTTPModel
import RateLimit
import Snapshots
import Testing
import Transport

@testable import Filters
@testable import Gateway

/// What becomes of calls that waited while the world went on.
@Suite struct SuspendedCallTests {
    private let house: TestGateway
    private var gateway: GatewayWorker { house.gateway }

    init() throws { house = try TestGateway() }

    @Test("a store's answer for a call that is over takes the request from the call: it is another one's from then on")
    func lateAnswer() {
        let call = gateway.calls.records.acquire()
        defer { gateway.calls.records.release(call) }
        let limiter = gateway.filters.limits.limiter
        let request = limiter.makeRequest()
        let token = SuspensionToken(suspending: call)
        request.context = token.context
        request.tag = token.tag
        call.limitRequest = Borrowed(request)
        // Its time is up; its stream is open still.
        for event: CallMachine.Event in [.arrived, .routed, .waits, .failed] { _ = call.machine.handle(event) }
        limiter.limitDecided(request)
        #expect(call.limitRequest == nil)
        #expect(limiter.makeRequest() === request)
        gateway.filters.end(call)
        #expect(!request.isAbandoned)
        limiter.recycle(request)
    }

    @Test("a call goes on by the configuration that it began with, also where authentication was added meanwhile")
    func olderConfiguration() {
        let call = gateway.calls.records.acquire()
        let stream = gateway.context.streams.acquire()
        defer {
            call.finish(pool: gateway.chunks, gateway.calls.noCall)
            gateway.calls.records.release(call)
            gateway.context.streams.release(stream)
        }
        stream.fields.append("authorization", "Bearer of.no.worth")
        stream.trailersStart = stream.fields.count
        call.begin(on: stream, at: gateway.now, serving: Borrowed(gateway.current), gateway.calls.noCall)
        let old = gateway.current.snapshot
        gateway.filters.authentication.adopt(
            Snapshot(
                generation: 2, table: old.table, preflights: old.preflights, listeners: [], routes: old.routes,
                rules: RuleBookBuilder().book(generation: 2),
                clusters: old.clusters,
                trustedProxies: old.trustedProxies,
                authentication: AuthenticationPlan(
                    issuers: [], tenant: nil, plan: nil, defaultPlan: nil, failedLogins: nil, tokenCacheEntries: 8),
                plans: [], store: old.store, overload: old.overload, memory: old.memory, title: "",
                addressPrefix: old.addressPrefix, limitHeaders: old.limitHeaders
            ))
        guard case .proceed = gateway.filters.authentication.request(CallView(call, gateway.filters.services)) else {
            Issue.record("the call is judged by a configuration that it did not begin with")
            return
        }
        #expect(call.identity == nil)
    }
}

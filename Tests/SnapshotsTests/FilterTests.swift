import AccessControl
import GatewayModel
import Testing

@testable import Snapshots

/// The order of filters, and which of them a policy lists.
@Suite struct FilterTests {
    private func policy(
        authenticates: Bool = false, needsGRPC: Bool = true, refusesGRPC: Bool = false, answersItself: Bool = false,
        shapes: Bool = false,
        hasCORS: Bool = false, compresses: Bool = false, allow: NamedRule? = nil
    ) -> [Filter] {
        var builder = RuleBookBuilder()
        var settings = CallPolicy.Settings(access: builder.policy(route: AccessRules(allow: allow)))
        settings.credentials = authenticates ? CredentialPlan() : nil
        settings.needsGRPC = needsGRPC
        settings.refusesGRPC = refusesGRPC
        settings.answersItself = answersItself
        settings.shapes = shapes
        settings.hasCORS = hasCORS
        settings.compresses = compresses
        return CallPolicy(settings).filters.filters
    }

    @Test("a list has a bit for every filter")
    func width() {
        #expect(Filter.allCases.count <= FilterList.RawValue.bitWidth)
        #expect(FilterList(rawValue: .max).filters == Filter.allCases)
    }

    @Test("there is one order")
    func order() {
        #expect(
            Filter.allCases == [
                .cors, .protocols, .admission, .converter, .compression, .deadline, .earlyLimits, .authentication, .authorization,
                .servable, .limits,
                .conversionFailure, .traffic, .headers, .directAnswer,
            ])
    }

    @Test("a policy lists what its calls need")
    func lists() {
        #expect(policy() == [.protocols, .admission, .converter, .deadline, .authorization, .servable])
        #expect(
            policy(allow: NamedRule(name: "", .anyone)) == [.protocols, .admission, .converter, .deadline, .servable],
            "who may be anyone is not asked")
        #expect(
            policy(allow: NamedRule(name: "", .anyone, mode: .shadow))
                == [.protocols, .admission, .converter, .deadline, .authorization, .servable], "a rule under trial lets nobody in")
        #expect(!policy(compresses: true).contains(.compression), "RPCs compress their messages themselves")
        #expect(policy(needsGRPC: false, compresses: true).contains(.compression))
        #expect(
            policy(authenticates: true, allow: NamedRule(name: "", .anyone)).contains(.authorization),
            "who has a token must be on a plan")
        #expect(
            policy(authenticates: true, shapes: true, hasCORS: true) == [
                .cors, .protocols, .admission, .converter, .deadline, .authentication, .authorization, .servable, .limits, .traffic,
            ])
        #expect(
            policy(needsGRPC: false, refusesGRPC: true) == [.protocols, .admission, .deadline, .authorization, .servable],
            "what callers speak passes as it is to HTTP/1.1")
        #expect(
            policy(needsGRPC: false, answersItself: true) == [.protocols, .admission, .deadline, .authorization, .directAnswer])
    }

    @Test("filters are taken in their order, and the other way round on the way back")
    func taking() {
        var filters: FilterList = [FilterList(.directAnswer), FilterList(.cors), FilterList(.limits)]
        var back = filters
        #expect(filters.popFirst() == .cors)
        filters.insert(.conversionFailure)
        #expect(
            [filters.popFirst(), filters.popFirst(), filters.popFirst(), filters.popFirst()] == [
                .limits, .conversionFailure, .directAnswer, nil,
            ])
        #expect([back.popLast(), back.popLast(), back.popLast(), back.popLast()] == [.directAnswer, .limits, .cors, nil])
    }
}

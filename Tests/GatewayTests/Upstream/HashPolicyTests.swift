import Balancing
import GRPCTesting
import GatewayModel
import JOSE
import Testing
import Upstreams

@testable import Gateway

@Suite("Which calls belong together")
struct HashPolicyTests {
    /// A gateway in front of four backends, by these sources of a hash.
    private func house(_ sources: [HashSource], _ policy: BalancingPolicy) throws -> (TestGateway, [TestBackend]) {
        let gateway = try TestGateway()
        let backends = try (0..<4).map { _ in try TestBackend(on: gateway.outside) }
        try gateway.adopt(backends.map { .address($0.address) }, generation: 2) { plan, _ in
            plan.balancing = BalancingSettings(policy: policy)
            plan.hash = HashPolicy(sources)
        }
        return (gateway, backends)
    }

    /// Which backends ten calls with these headers went to.
    private func places(_ fields: [(String, String)], _ caller: TestCaller, _ backends: [TestBackend]) -> Set<Int> {
        let before = backends.map(\.paths.count)
        for _ in 0..<10 { #expect(caller.unary("/a.S/Call", [], fields).status == "0") }
        return Set(backends.indices.filter { backends[$0].paths.count > before[$0] })
    }

    @Test(
        "calls with one value of a header or cookie, or from one address, go to one endpoint",
        arguments: [
            BalancingPolicy.ringHashDefault, .maglev(tableSize: 1009),
        ])
    func sources(policy: BalancingPolicy) throws {
        let cases: [([HashSource], (Int) -> [(String, String)])] = [
            ([.header("x-user")], { [("x-user", "user-\($0)")] }),
            ([.cookie("sid")], { [("cookie", "a=1; sidx=\($0 * 7); sid=\($0)")] }),
            ([.header("x-user"), .cookie("sid"), .address], { [("cookie", "x=2;sid=\($0); b=3")] }),
        ]
        for (sources, fields) in cases {
            let (gateway, backends) = try house(sources, policy)
            let caller = try gateway.caller()
            var seen: Set<Int> = []
            for user in 0..<20 {
                let places = places(fields(user), caller, backends)
                #expect(places.count == 1)
                seen.formUnion(places)
            }
            #expect(seen.count > 1, "other values go elsewhere")
        }
        let (gateway, backends) = try house([.claim(.init(names: ["sub"])!), .tenant, .header("x-user"), .address], policy)
        #expect(places([], try gateway.caller(), backends).count == 1, "everybody has an address")
    }

    @Test("calls that have none of it are spread")
    func none() throws {
        let (gateway, backends) = try house([.header("x-user"), .cookie("sid")], .ringHashDefault)
        let caller = try gateway.caller()
        var seen: Set<Int> = []
        for _ in 0..<10 { seen.formUnion(places([("cookie", "sid; xsid=3")], caller, backends)) }
        #expect(seen.count == 4)
    }
}

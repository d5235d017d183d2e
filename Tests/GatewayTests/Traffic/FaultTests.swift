import GRPCTesting
import Testing

@testable import Gateway

@Suite("Faults on purpose, and clusters by weight")
struct FaultTests {
    /// A gateway before two backends, one in each of the clusters a and b; the route leads to a unless it says otherwise.
    private func house(_ route: String) throws -> (gateway: TestGateway, a: TestBackend, b: TestBackend) {
        let gateway = try TestGateway()
        let (a, b) = (try TestBackend(on: gateway.outside), try TestBackend(on: gateway.outside))
        let written = """
            clusters: { a: { endpoints: ["\(a.address)"] }, b: { endpoints: ["\(b.address)"] } }
            routes: [{ allow: anyone, \(route) }]
            """
        try gateway.adopt(written: written)
        return (gateway, a, b)
    }

    @Test("an abort answers with its status, and no backend hears of the call")
    func abort() throws {
        let (gateway, a, _) = try house("cluster: a, fault: { abort: { grpc_status: aborted } }")
        let answer = try gateway.caller().unary("/a.S/Call", [])
        #expect(answer.status == "10")
        #expect(a.paths.isEmpty)
        #expect(gateway.count("martlet_faults_total", "abort") == 1)
    }

    @Test("a fraction of zero leaves every call alone")
    func none() throws {
        let (gateway, a, _) = try house(
            "cluster: a, fault: { abort: { http_status: 503, fraction: 0% }, delay: { duration: 1h, fraction: 0.0% } }")
        let caller = try gateway.caller()
        for _ in 0..<20 { #expect(caller.unary("/a.S/Call", []).status == "0") }
        #expect(a.paths.count == 20)
    }

    @Test("a delay holds a call up for as long as it says, with what its caller sends meanwhile, then lets it go on")
    func delay() throws {
        let (gateway, a, _) = try house("cluster: a, fault: { delay: { duration: 2s } }")
        let call = try gateway.caller().begin("/a.S/Call")
        call.send(message: [1, 2, 3])
        call.finish()
        gateway.outside.settle()
        gateway.outside.advance(by: .milliseconds(1990))
        #expect(a.paths.isEmpty && !call.isOver)
        gateway.outside.advance(by: .milliseconds(20))
        #expect(gateway.run { call.status == "0" })
        #expect(a.paths.count == 1)
        #expect(gateway.count("martlet_faults_total", "delay") == 1)
    }

    @Test("a delay comes before an abort, and a deadline before both")
    func both() throws {
        let (gateway, a, _) = try house(
            "cluster: a, fault: { delay: { duration: 2s }, abort: { grpc_status: data_loss } }")
        let caller = try gateway.caller()
        let patient = caller.begin("/a.S/Call", ended: true)
        let hasty = caller.begin("/a.S/Call", [("grpc-timeout", "1S")], ended: true)
        gateway.outside.settle()
        gateway.outside.advance(by: .milliseconds(1100))
        #expect(gateway.run { hasty.status == "4" })
        #expect(!patient.isOver)
        gateway.outside.advance(by: .seconds(1))
        #expect(gateway.run { patient.status == "15" })
        #expect(a.paths.isEmpty)
    }

    @Test("what a caller asks for who is not trusted does not happen, and its headers go no further")
    func asked() throws {
        let gateway = try TestGateway()
        let a = try TestBackend(on: gateway.outside)
        try gateway.adopt(
            written: """
                trusted_proxies: [10.0.0.0/8]
                clusters: { a: { endpoints: ["\(a.address)"] } }
                routes: [{ allow: anyone, cluster: a, fault: { delay: { header: true, maximum: 1h }, abort: { header: true } } }]
                """)
        var seen: [String: String] = [:]
        a.headSeen = { seen = $0 }
        let asked = [("x-envoy-fault-delay-request", "1000"), ("x-envoy-fault-abort-grpc-request", "5"), ("x-a", "1")]
        #expect(try gateway.caller().unary("/a.S/Call", [], asked).status == "0")
        #expect(seen["x-a"] == "1" && !seen.keys.contains { $0.hasPrefix("x-envoy") })
        #expect(gateway.counts("martlet_faults_total") == [:])
    }

    @Test("a trusted peer has a call delayed, then aborted, as it asks")
    func trusted() throws {
        let gateway = try TestGateway()
        let a = try TestBackend(on: gateway.outside)
        try gateway.adopt(
            written: """
                trusted_proxies: [127.0.0.0/8]
                clusters: { a: { endpoints: ["\(a.address)"] } }
                routes: [{ allow: anyone, cluster: a, fault: { delay: { header: true, maximum: 2s }, abort: { header: true } } }]
                """)
        let caller = try gateway.caller()
        #expect(caller.unary("/a.S/Call", []).status == "0")
        let delayed = caller.begin("/a.S/Call", [("x-envoy-fault-delay-request", "60000")], ended: true)
        let both = caller.begin(
            "/a.S/Call", [("x-envoy-fault-delay-request", "1000"), ("x-envoy-fault-abort-grpc-request", "5")], ended: true)
        gateway.outside.settle()
        gateway.outside.advance(by: .milliseconds(1100))
        #expect(gateway.run { both.status == "5" } && !delayed.isOver && a.paths.count == 1)
        gateway.outside.advance(by: .milliseconds(1000))
        #expect(gateway.run { delayed.status == "0" } && a.paths.count == 2)
        #expect(gateway.counts("martlet_faults_total") == ["delay": 2, "abort": 1])
    }

    @Test("who gives a delayed call up leaves nothing behind")
    func cancelled() throws {
        let (gateway, a, _) = try house("cluster: a, fault: { delay: { duration: 2s } }")
        let call = try gateway.caller().begin("/a.S/Call", ended: true)
        #expect(gateway.run { gateway.gateway.callCount == 1 })
        call.reset()
        #expect(gateway.run { gateway.gateway.callCount == 0 })
        gateway.outside.advance(by: .seconds(3))
        gateway.outside.settle()
        #expect(a.paths.isEmpty)
    }

    @Test("calls go to clusters by weight, and those of one user to the same")
    func sticky() throws {
        let (gateway, a, b) = try house("clusters: { a: 1, b: 1 }, sticky: [header x-user]")
        let caller = try gateway.caller()
        for user in 0..<40 {
            let before = (a.paths.count, b.paths.count)
            for _ in 0..<3 { #expect(caller.unary("/a.S/Call", [], [("x-user", "\(user)")]).status == "0") }
            let after = (a.paths.count - before.0, b.paths.count - before.1)
            #expect(after == (3, 0) || after == (0, 3))
        }
        // By the hash of forty names, which is the same everywhere.
        #expect(!a.paths.isEmpty && !b.paths.isEmpty)
    }

    @Test("a cluster of weight zero gets nothing")
    func zero() throws {
        let (gateway, a, b) = try house("clusters: { a: 0, b: 3 }")
        let caller = try gateway.caller()
        for _ in 0..<20 { #expect(caller.unary("/a.S/Call", []).status == "0") }
        #expect(a.paths.isEmpty && b.paths.count == 20)
    }
}

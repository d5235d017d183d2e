import Config
import RateLimit
import Testing

@testable import Upstreams

@Suite struct StorePlanTests {
    private func plan(_ password: Secret?, sentinel: Secret? = nil, domain: String = "martlet") -> StorePlan {
        let location = RedisLocation(
            name: "main", seeds: [.ip("127.0.0.1", port: 6379)], mode: .sentinel,
            sentinel: .init(master: "main", password: sentinel), password: password)
        return StorePlan(
            location: .redis(location, tls: nil), domain: domain, timeout: .milliseconds(20), whenUnavailable: .local, lease: nil)
    }

    @Test("passwords that have changed in their files need no other connections")
    func files() {
        let former = plan(Secret("a", file: "/pw"), sentinel: Secret("b", file: "/sentinel"))
        let next = plan(Secret("c", file: "/pw"), sentinel: Secret("d", file: "/sentinel"))
        #expect(former != next && next.isServed(byConnectionsOf: former))
    }

    @Test("anything else does")
    func others() {
        let former = plan(Secret("a", file: "/pw"), sentinel: Secret("b"))
        #expect(!plan(Secret("a", file: "/pw"), sentinel: Secret("c")).isServed(byConnectionsOf: former))
        #expect(!plan(Secret("a", file: "/other"), sentinel: Secret("b")).isServed(byConnectionsOf: former))
        #expect(!plan(Secret("a"), sentinel: Secret("b")).isServed(byConnectionsOf: former))
        #expect(!plan(nil, sentinel: Secret("b")).isServed(byConnectionsOf: former))
        #expect(!plan(Secret("a", file: "/pw"), sentinel: Secret("b"), domain: "other").isServed(byConnectionsOf: former))
    }
}

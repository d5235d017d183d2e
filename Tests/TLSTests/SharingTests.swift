import Glibc
import Testing
import Time

@testable import TLS

@Suite struct SharingTests {
    @Test("threads share contexts and keys while the keys rotate")
    func threads() throws {
        let world = World()
        let keys = TicketKeys(now: Instant(nanoseconds: 0), interval: .zero)
        let shared = Shared(
            server: try world.server(
                [world.identity(), world.identity("b", names: "DNS:b.test")], keys: keys
            ) {
                $0.clientCertificates = ClientCertificatePolicy(authorities: try world.authorities(), presence: .optional)
            },
            client: try world.client { $0.identity = try world.identity("c", names: "DNS:c.test") }, keys: keys)
        var threads: [pthread_t] = []
        for _ in 0..<4 {
            var thread = pthread_t()
            let created = pthread_create(
                &thread, nil,
                { argument in
                    Unmanaged<Shared>.fromOpaque(argument!).takeRetainedValue().work()
                    return nil
                }, Unmanaged.passRetained(shared).toOpaque())
            #expect(created == 0)
            threads.append(thread)
        }
        for thread in threads { pthread_join(thread, nil) }
    }

    private final class Shared: Sendable {
        let server: ServerContext
        let client: ClientContext
        let keys: TicketKeys

        init(server: ServerContext, client: ClientContext, keys: TicketKeys) {
            self.server = server
            self.client = client
            self.keys = keys
        }

        func work() {
            for index in 0..<40 {
                let pair = Pair(server, client, name: index % 2 == 0 ? "a.test" : "b.test")
                if index % 4 < 2 { pair.client.limit(to: .tls12) }
                pair.exchange()
                precondition(pair.isEstablished && pair.server.peerCertificate != nil)
                if index % 8 == 0 { keys.rotate(now: .now()) }
            }
        }
    }
}

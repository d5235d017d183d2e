import GatewayModel
import GatewayModelTesting
import Testing

@testable import Snapshots

/// What routes say of their streams, as calls are held to it.
@Suite struct StreamLimitsTests {
    private func limits(_ keys: String) throws -> StreamLimits? {
        let reading = readConfiguration("routes: [{ cluster: orders, \(keys) }]\n")
        return StreamLimits(try #require(reading.value?.routes.first, "\(reading.report)"))
    }

    @Test("a route that says nothing leaves both to its listener")
    func nothing() throws { #expect(try limits("timeout: 5s") == nil) }

    @Test(
        "one of the two leaves the other to the listener, and none is the largest number",
        arguments: [
            ("body_bytes: 1MiB", 1 << 20, nil), ("body_bytes: none", .max, nil), ("stream_idle: 1h", nil, 3_600_000_000_000),
            ("stream_idle: none", nil, .max), ("body_bytes: 1KiB, stream_idle: 5s", 1024, 5_000_000_000),
        ] as [(String, Int?, UInt64?)])
    func values(keys: String, bytes: Int?, idle: UInt64?) throws {
        let limits = try #require(try limits(keys))
        #expect(limits.bodyBytesMax == bytes && limits.idleNanoseconds == idle)
    }
}

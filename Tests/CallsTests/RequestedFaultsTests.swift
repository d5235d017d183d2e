import Bytes
import GRPC
import GatewayModel
import GatewayModelTesting
import HTTPModel
import Testing

@testable import Calls

@Suite("Faults that requests ask for")
struct RequestedFaultsTests {
    private func fault(_ text: String) throws -> FaultConfiguration {
        let (read, report) = readConfiguration(
            "trusted_proxies: [127.0.0.1]\nroutes: [{ path: /a, cluster: orders, fault: { \(text) } }]")
        #expect(report == "")
        return try #require(read?.routes.first?.traffic.fault)
    }

    private static let byHeader = "delay: { header: true, maximum: 2s, fraction: 50% }, abort: { header: true }"

    /// What comes of the headers, whose names are without `x-envoy-fault-`, and what is left of them for upstreams.
    private func asked(
        _ headers: [(String, String)], by text: String = byHeader, isTrusted: Bool = true
    ) throws -> (faults: RequestedFaults, left: [String]) {
        let worker = HeadTests.Worker()
        let named = headers.map { ("x-envoy-fault-\($0.0)", $0.1) }
        let stream = worker.stream(HeadTests.head + named + [("x-envoy-faulty", "1"), ("x-a", "2")])
        let faults = RequestedFaults(try fault(text), on: stream, isTrusted: isTrusted)
        let head = RequestHead.write(
            method: stream.fields[0].valueBytes, target: stream.fields[2].valueBytes, from: stream, to: worker.stream(),
            RequestHead.Additions(), scratch: worker.scratch)
        return (faults, HeadTests.text(head).filter { $0.hasPrefix("x-envoy") || $0.hasPrefix("x-a") })
    }

    @Test(
        "a delay is as long as it is asked for, and no longer than the route lets it",
        arguments: [("1", 1), ("300", 300), ("2000", 2000), ("2001", 2000), ("99999999999999999999999", 2000)])
    func delay(value: String, milliseconds: Int64) throws {
        let (faults, left) = try asked([("delay-request", value)])
        #expect(faults.delay?.duration == .milliseconds(milliseconds) && faults.delay?.fraction.millionths == 500_000)
        #expect(faults.abort == nil && left == ["x-envoy-faulty: 1", "x-a: 2"])
    }

    @Test(
        "what is no number, or none that can be asked for, asks for nothing", arguments: ["", "0", "-1", "1.5", "1s", " 1", "soon"])
    func wrong(value: String) throws {
        let (faults, left) = try asked([("delay-request", value), ("abort-request", value), ("abort-grpc-request", value)])
        #expect(faults.delay == nil && left == ["x-envoy-faulty: 1", "x-a: 2"])
        if value != "1" { #expect(faults.abort == nil) }
    }

    @Test(
        "an abort has the status that is asked for",
        arguments: [
            ("503", nil, StatusCode.unavailable, 503), ("429", nil, .unavailable, 429), ("404", nil, .unimplemented, 404),
            (nil, "5", .notFound, 404), (nil, "16", .unauthenticated, 401), ("418", "8", .resourceExhausted, 418),
            ("200", "8", .resourceExhausted, 429),
        ] as [(String?, String?, StatusCode, Int)])
    func abort(http: String?, grpc: String?, status: StatusCode, httpStatus: Int) throws {
        let headers = [http.map { ("abort-request", $0) }, grpc.map { ("abort-grpc-request", $0) }].compactMap(\.self)
        let abort = try #require(try asked(headers).faults.abort)
        #expect(abort.status == status && abort.httpStatus == httpStatus && abort.fraction == .all)
    }

    @Test(
        "a status that is no failure is none",
        arguments: [("200", "0"), ("399", "17"), ("600", "256"), ("99999999999999999999", "-1")])
    func noFailure(http: String, grpc: String) throws {
        #expect(try asked([("abort-request", http), ("abort-grpc-request", grpc)]).faults.abort == nil)
    }

    @Test(
        "fewer calls can be asked for than the route lets be, and not more",
        arguments: [("0", 0), ("10", 100_000), ("50", 500_000), ("100", 500_000)])
    func percentage(value: String, millionths: UInt32) throws {
        let headers = [
            ("delay-request", "1"), ("delay-request-percentage", value), ("abort-request", "500"),
            ("abort-request-percentage", value),
        ]
        let faults = try asked(headers).faults
        #expect(faults.delay?.fraction.millionths == millionths)
        #expect(faults.abort?.fraction.millionths == (["0": 0, "10": 100_000, "50": 500_000][value] ?? 1_000_000))
    }

    @Test("a percentage that is none asks for nothing", arguments: ["101", "1000", "half", "0.5", "5%", "", "-1"])
    func noPercentage(value: String) throws {
        let faults = try asked([
            ("delay-request", "1"), ("delay-request-percentage", value), ("abort-request", "500"),
            ("abort-request-percentage", value),
        ]).faults
        #expect(faults.delay == nil && faults.abort == nil)
    }

    @Test("the first header of a name counts")
    func first() throws {
        #expect(try asked([("delay-request", "100"), ("delay-request", "200")]).faults.delay?.duration == .milliseconds(100))
        #expect(try asked([("delay-request", "x"), ("delay-request", "200")]).faults.delay == nil)
    }

    @Test("who is not trusted asks for nothing, and no upstream has any of the headers", arguments: [true, false])
    func trust(isTrusted: Bool) throws {
        let headers = [
            ("delay-request", "300"), ("abort-request", "500"), ("abort-grpc-request", "5"), ("delay-request-percentage", "100"),
            ("throughput-response", "1"),
        ]
        let (faults, left) = try asked(headers, isTrusted: isTrusted)
        #expect((faults.delay != nil) == isTrusted && (faults.abort != nil) == isTrusted)
        #expect(left == ["x-envoy-faulty: 1", "x-a: 2"])
    }

    @Test("each of the two is asked for only where that is said of it, and what is configured stays")
    func each() throws {
        let headers = [("delay-request", "300"), ("abort-request", "500")]
        let (delay, left) = try asked(headers, by: "delay: { header: true, maximum: 1s }, abort: { http_status: 404 }")
        #expect(delay.delay?.duration == .milliseconds(300) && delay.abort?.httpStatus == 404 && left.count == 2)
        let abort = try asked(headers, by: "delay: { duration: 1s }, abort: { header: true }").faults
        #expect(abort.delay?.duration == .seconds(1) && abort.abort?.httpStatus == 500)
        let (none, all) = try asked(headers, by: "delay: { duration: 1s }", isTrusted: true)
        #expect(none.abort == nil && all.count == 4)
    }
}

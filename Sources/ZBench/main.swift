import Bytes
import HTTP1
import HTTPModel
import Metrics
import Telemetry
import Time

func text(_ s: StaticString) -> UnsafeRawBufferPointer { AccessLogEntry.text(s) }
func time(_ name: String, _ n: Int, _ body: () -> Void) {
    for _ in 0..<2 {
        let a = Instant.now(); body(); let b = Instant.now()
        print(name, Double(b.nanoseconds(since: a)) / Double(n), "ns")
    }
}
func run() {
    let registry = MetricRegistry(); let shard = registry.makeShard()
    let c = registry.counter("c_total", help: "")
    let calls = CallMetrics(registry: registry, names: .init(counter: "x_total", counterHelp: "", histogram: "h", histogramHelp: ""), statuses: (0..<17).map { "\($0)" })
    let table = CallTable(calls, seed: 3); let g = calls.group("orders")
    let n = 1000
    time("add", n) { for _ in 0..<n { shard.add(c) } }
    time("record", n) { for i in 0..<n { shard.record(table.series(g, method: text("acme.orders.v1.Orders/CreateOrder"), mayCreate: true), status: i & 1, nanoseconds: UInt64(i)) } }
    let sink = try! AccessLogSink(.path("/dev/null"), workers: 1)
    let ring = sink.ring(0)
    var e = AccessLogEntry(time: .now())
    e.requestID = text("0123456789abcdef0123456789abcdef"); e.downstreamAddress = text("10.0.0.1:51234"); e.protocolName = text("HTTP/2")
    e.authority = text("api.acme.dev"); e.method = text("POST"); e.path = text("/acme.orders.v1.Orders/CreateOrder")
    e.grpcService = text("acme.orders.v1.Orders"); e.grpcMethod = text("CreateOrder"); e.route = text("orders"); e.cluster = text("orders")
    e.upstreamAddress = text("10.0.0.2:50051"); e.status = 200; e.grpcStatus = 0; e.bytesReceived = 69; e.bytesSent = 69
    e.durationMicroseconds = 812; e.upstreamDurationMicroseconds = 700; e.attempts = 1; e.tenant = text("acme"); e.subject = text("user-1234")
    e.issuer = text("https://auth.acme.dev"); e.tlsVersion = text("TLSv1.3"); e.userAgent = text("grpc-python/1.60.0 grpc-c/37.0.0 (linux; chttp2)")
    e.trace = TraceContext(traceHigh: 1, traceLow: 2, span: 3, flags: 0)
    let m = 2000
    time("log line", m) { for i in 0..<m { e.time.nanoseconds += 10_000; ring.append(e); if i & 31 == 31 { ring.publish() } } }
    _ = sink.stop(withinMilliseconds: 1000)
    print("dropped", sink.linesDropped)
    var line = AccessLogLine()
    time("compose only", m) { for _ in 0..<m { _ = line.compose(e) } }
    let request = Array("GET /metrics?a=b HTTP/1.1\r\nHost: 127.0.0.1:9901\r\nUser-Agent: Prometheus/2.50\r\nAccept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\nAccept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n".utf8)
    var fields = FieldBlock(); var reader = RequestReader()
    request.withUnsafeBytes { bytes in
        time("request head", m) { for _ in 0..<m { let s = try! reader.next(bytes, into: &fields); _ = try! reader.next(UnsafeRawBufferPointer(rebasing: bytes[s.consumed...]), into: &fields); fields.reset() } }
    }
}
run()

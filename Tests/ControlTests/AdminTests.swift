import Config
import GRPCTesting
import Metrics
import Testing
import Transport

@testable import Control

@Suite("The admin address")
struct AdminTests {
    let worker: TestWorker
    let registry = MetricRegistry()
    let admin: Admin

    init() throws {
        worker = try TestWorker()
        admin = try Admin.open(.ip("127.0.0.1", port: 0), registry: registry, lost: { 42 }, context: worker.context)
    }

    /// One request over HTTP/1.1, up to the end of its connection.
    private func ask(_ line: String) throws -> String {
        let caller = try PlainCaller(to: admin.address, worker: worker)
        caller.say("\(line) HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        #expect(worker.run { caller.end != nil })
        return caller.received
    }

    @Test("it is live at once and ready when it is told so, whatever the query")
    func probes() throws {
        #expect(try ask("GET /live").hasSuffix("\r\n\r\nlive\n"))
        #expect(try ask("GET /ready").hasPrefix("HTTP/1.1 503 "))
        admin.isReady = true
        let ready = try ask("GET /ready?verbose=1")
        #expect(ready.hasPrefix("HTTP/1.1 200 OK\r\n") && ready.hasSuffix("\r\n\r\nready\n"))
        admin.isReady = false
        #expect(try ask("GET /ready").hasSuffix("\r\n\r\nnot ready\n"))
    }

    @Test("metrics have their type, and the log lines that were lost")
    func metrics() throws {
        let counter = registry.counter("test_total", help: "Of a test.")
        let shard = registry.makeShard()
        shard.add(counter, 7)
        let answer = try ask("GET /metrics")
        #expect(answer.contains("content-type: text/plain; version=0.0.4"))
        #expect(answer.contains("\ntest_total 7\n"))
        #expect(answer.contains("\nmartlet_access_log_dropped_total 42\n"))
        #expect(answer.contains("\nmartlet_build_info{version=\"\(Version.text)\"} 1\n"))
    }

    @Test(
        "HEAD tells the length and sends nothing; other methods and paths are refused",
        arguments: [
            ("HEAD /live", "200 OK", "content-length: 5\r\n"), ("HEAD /nothing", "404 Not Found", "content-length: "),
            ("GET /livelihood", "404 Not Found", "text/plain"), ("GET /", "404 Not Found", "text/plain"),
            ("POST /live", "405 Method Not Allowed", "allow: GET, HEAD\r\n"),
            ("DELETE /metrics", "405 Method Not Allowed", "allow: GET, HEAD\r\n"),
        ])
    func refusals(line: String, status: String, part: String) throws {
        let answer = try ask(line)
        #expect(answer.hasPrefix("HTTP/1.1 \(status)\r\n"))
        #expect(answer.contains(part))
        if line.hasPrefix("HEAD") { #expect(answer.hasSuffix("\r\n\r\n")) }
    }

    @Test("HTTP/2 with prior knowledge is answered too")
    func http2() throws {
        let caller = try TestCaller(to: admin.address, worker: worker)
        let call = caller.begin("/live", [(":method", "GET")], ended: true)
        #expect(worker.run { call.isOver })
        #expect(call.field(":status") == "200" && call.bodyBytes == 5)
    }

    @Test(
        "connections that say nothing, half a request, or read nothing keep no probe out: the oldest goes",
        arguments: [
            "", "GET /live HTT", "GET /live HTTP/1.1\r\nhost: a\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ])
    func silence(words: String) throws {
        let callers = try (0..<Admin.connectionsMax).map { _ in
            let caller = try PlainCaller(to: admin.address, worker: worker)
            caller.say(words)
            worker.advance(by: .milliseconds(1), steps: 1)
            return caller
        }
        #expect(callers.allSatisfy { $0.end == nil })
        admin.isReady = true
        for path in ["/live", "/ready", "/metrics"] { #expect(try ask("GET \(path)").hasPrefix("HTTP/1.1 200 OK\r\n")) }
        // Those without a word the kernel keeps to itself at first.
        #expect(words.isEmpty || worker.run { callers[0].end != nil })
        #expect(callers.count { $0.end != nil } <= 3)
    }

    @Test("why it is not ready is told")
    func notReady() throws {
        admin.notReadyReason = "no key set"
        #expect(try ask("GET /ready").hasSuffix("\r\n\r\nnot ready: no key set\n"))
    }

    @Test("an address that cannot be had, or is none, is said to be so")
    func addresses() throws {
        #expect {
            _ = try Admin.open(.unix("/nowhere/at/all.sock"), registry: registry, context: worker.context)
        } throws: { error in
            (error as? StartFailure)?.message.hasPrefix("cannot listen on unix:/nowhere/at/all.sock for admin: ") == true
        }
        #expect {
            _ = try Admin.open(.name("not.an.address", port: 1), registry: registry, context: worker.context)
        } throws: { error in
            (error as? StartFailure)?.message == "cannot listen on not.an.address:1 for admin: not an address"
        }
    }
}

import Demo
import GRPC
import GRPCTesting
import Net
import Testing
import Transport

@testable import Calling

/// A call to the demo server, both on one loop.
private final class Running {
    private(set) var answers = ""
    private(set) var said: [String] = []
    private(set) var status: CallOutcome?
    private var process: CallProcess?
    private let server: DemoServer
    /// Last, for it must outlive the others.
    private let worker: TestWorker

    init() throws {
        worker = try TestWorker()
        server = try DemoServer.start(at: SocketAddress("127.0.0.1:0")!, name: "blue", context: worker.context)
    }

    func run(_ action: CallAction, at address: SocketAddress? = nil, _ change: (inout CallOptions) -> Void = { _ in })
        -> CallOutcome?
    {
        var options = CallOptions(action: action)
        change(&options)
        let target = CallTarget(name: "demo", addresses: [address ?? server.address!], authority: "demo", tls: nil)
        let console = Console(
            answer: { [unowned self] in answers += String(decoding: $0, as: UTF8.self) }, say: { [unowned self] in said.append($0) }
        )
        process = CallProcess(options, to: target, console: console, context: worker.context) { [unowned self] in
            #expect(status == nil, "once")
            status = $0
        }
        process?.start()
        _ = worker.run { status != nil }
        return status
    }

    func call(_ method: String, _ json: String, _ change: (inout CallOptions) -> Void = { _ in }) -> CallOutcome? {
        run(.call(method: "martlet.demo.v1.Demo/\(method)", input: .text(Array(json.utf8))), change)
    }
}

@Suite struct CallProcessTests {
    @Test(
        "every call kind is answered, one message a line",
        arguments: [
            ("Echo", #"{"text":"a"}"#, 1), ("Collect", #"{"text":"a"} {"text":"b"}"#, 1), ("Count", #"{"count":3}"#, 3),
            ("Chat", #"[{"text":"a"},{"text":"b"}]"#, 2),
        ])
    func kinds(method: String, json: String, count: Int) throws {
        let running = try Running()
        #expect(running.call(method, json) == .ok)
        #expect(running.answers.split(separator: "\n").count == count)
        #expect(running.said.isEmpty)
    }

    @Test("a status is told, and is the exit status")
    func status() throws {
        let running = try Running()
        #expect(running.call("Echo", #"{"instructions":{"failWithCode":5,"failMessage":"gone"}}"#) == .status(.notFound))
        #expect(running.said == ["NOT_FOUND: gone"])
        #expect(running.status?.number == 69)
    }

    @Test("a verbose call tells head, trailers and status, and no token")
    func verbose() throws {
        let running = try Running()
        let result = running.call("Echo", #"{"instructions":{"initialMetadata":{"x-a":"1"},"trailingMetadata":{"x-b":"2"}}}"#) {
            $0.isVerbose = true
            $0.token = HeaderText.token("secret")
        }
        #expect(result == .ok)
        #expect(running.said.contains("< x-a: 1") && running.said.contains("< x-b: 2") && running.said.last == "OK")
        #expect(!running.said.contains { $0.contains("secret") })
    }

    @Test("a mistake in the JSON is told with its place, and nothing is called")
    func badJSON() throws {
        let running = try Running()
        #expect(running.call("Collect", #"{} {"instructions":{"delayMs":-1}}"#) == .mistake)
        #expect(running.said == ["martlet: the request's [1].instructions.delayMs: out of the range of the field's type"])
    }

    @Test("nobody there is no connection")
    func unreachable() throws {
        let running = try Running()
        #expect(running.run(.list(service: nil), at: .unix("/nowhere.sock")) == .unreachable)
        #expect(running.said == ["martlet: no connection to demo: No such file or directory"])
    }

    @Test("exit statuses tell the kinds of failure apart")
    func exitStatuses() {
        #expect(CallOutcome.ok.number == 0 && CallOutcome.mistake.number == 1 && CallOutcome.unreachable.number == 2)
        #expect(CallOutcome.status(.cancelled).number == 65 && CallOutcome.status(.unauthenticated).number == 80)
    }
}

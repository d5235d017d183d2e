import Bytes
import Net
import Reactor
import Redis
import RedisServer
import Sockets
import Testing
import Time

@testable import RateLimit

/// The scripts, on a clock that the test moves.
final class TimedScripts: RedisReplyHandler {
    // Ends first, as it stands on the loop and its buffers.
    private let client: RedisClient
    private let loop: EventLoop
    private let scratch = ScratchBuffers(chunks: ChunkPool())
    private let server: RedisServer
    private var answer: [String]?
    private var microseconds: UInt64 = 1_800_000_000_000_000

    init() throws {
        server = try #require(RedisServer())
        loop = try EventLoop()
        var settings = RedisSettings()
        settings.timeout = .seconds(600)
        client = RedisClient(
            settings, dialer: Dialer(KnownAddresses(.unix(server.path)), on: loop, scratch: scratch), on: loop, seed: 1)
        advance(0)
    }

    func advance(_ milliseconds: UInt64) {
        microseconds += milliseconds * 1000
        setClock()
    }

    func setBack(_ milliseconds: UInt64) {
        microseconds -= milliseconds * 1000
        setClock()
    }

    private func setClock() {
        _ = ask("HSET", "clock", "s", "\(microseconds / 1_000_000)", "u", "\(microseconds % 1_000_000)")
    }

    /// The script's mark, and what the counter held before.
    func charge(_ kind: String, _ span: Int, capacity: Int, provisional: Bool = false) -> [String] {
        let words = [Self.timed(.decision), "1", "k", kind, "\(span)", "\(capacity)", "1", "0"] + (provisional ? ["p"] : [])
        let answer = ask(["EVAL"] + words)
        return answer.count == 5 ? [answer[0], answer[2]] : answer
    }

    func giveBack(_ kind: String, _ amount: Int, stamp: UInt64? = nil, until: UInt64 = 0) {
        _ = ask(["EVAL", Self.timed(.giveBack), "1", "k", kind, "\(amount)", "\(stamp ?? microseconds)", "\(until)"])
    }

    var now: UInt64 { microseconds }
    var value: String { ask("GET", "k").first ?? "" }

    static func timed(_ script: RedisScript) -> String {
        script.text.replacing("redis.call('TIME')", with: "redis.call('HMGET', 'clock', 's', 'u')")
            .replacing("math.max(1, ", with: "math.max(600000, ").replacing("'%.0f', longest", with: "'%.0f', 600000")
    }

    private func ask(_ words: String...) -> [String] { ask(words) }

    @discardableResult
    func ask(_ words: [String]) -> [String] {
        let command = RESPCommand()
        for word in words { command.add(word) }
        answer = nil
        guard client.send(command, self, tag: 1) == nil else { return ["not sent"] }
        loop.tick(wait: false)
        while answer == nil { loop.tick(wait: true) }
        return answer ?? []
    }

    func redisReplied(_ reply: RedisReply, to tag: UInt) {
        var texts: [String] = []
        var element = reply.kind == .array ? reply.first : reply
        while let one = element {
            texts.append(one.kind == .integer ? "\(one.integer)" : one.text)
            element = one.next
        }
        answer = texts
    }

    func redisFailed(_ failure: RedisFailure, for tag: UInt) { answer = ["\(failure)"] }
}

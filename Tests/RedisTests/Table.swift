import Bytes
import Net
import Reactor
import RedisServer
import Sockets
import Testing
import Time

@testable import Redis

/// A server, a client and the loop between them, whose timers run only when the test says so.
final class Table {
    static var settings: RedisSettings { RedisSettings() }

    let recorder = Recorder()
    // Ends before the loop that it stands on.
    let client: RedisClient
    let server: RedisServer
    private let loop: EventLoop
    private let scratch = ScratchBuffers(chunks: ChunkPool())
    private let clock = ManualClock()

    init(_ settings: RedisSettings = Table.settings, options: [String] = []) throws {
        server = try #require(RedisServer(options))
        loop = try EventLoop(clock: .manual(clock))
        client = RedisClient(
            settings, dialer: Dialer(KnownAddresses(.unix(server.path)), on: loop, scratch: scratch), on: loop, seed: 1)
    }

    deinit { client.close() }

    func send(_ words: String..., tag: UInt = 0) -> RedisFailure? {
        let command = RESPCommand()
        for word in words { command.add(word) }
        defer { loop.tick(wait: false) }
        return client.send(command, recorder, tag: tag)
    }

    /// Sends and waits for the reply.
    func ask(_ words: String...) -> String {
        let command = RESPCommand()
        for word in words { command.add(word) }
        recorder.events = []
        if let failure = client.send(command, recorder, tag: 0) { return "\(failure)" }
        loop.tick(wait: false)
        turn { !recorder.events.isEmpty }
        switch recorder.events.first {
        case .reply(_, let text): return text
        case .failure(_, let failure): return "\(failure)"
        case nil: return ""
        }
    }

    /// Time stands still meanwhile: only the server can bring it about.
    func turn(until isDone: () -> Bool) {
        loop.tick(wait: false)
        while !isDone() { loop.tick(wait: true) }
    }

    func advance(_ duration: Duration) {
        clock.advance(by: duration)
        loop.tick(wait: false)
    }
}

import Bytes
import RedisServer
import Testing
import Time

@testable import Redis

@Suite struct RedisPresenceTests {
    private let sender = ShardedSender(now: Instant(nanoseconds: 1), wall: WallTime(nanoseconds: 1))

    @Test("a process says that it lives under one key, hears how many do, and says that it leaves")
    func life() throws {
        var counts: [Int] = []
        let presence = RedisPresence(sender, prefix: "martlet", heartbeatTimeout: .seconds(10)) { counts.append($0) }
        #expect(presence.interval == .seconds(3))
        presence.tell()
        #expect(sender.sent[0].text.hasPrefix("EVALSHA") && sender.sent[0].text.contains(" 1 martlet:gateways g"))
        #expect(sender.sent[0].text.hasSuffix(" 10000 0 1"))
        try sender.reply("-NOSCRIPT No matching script. Please use EVAL.\r\n")
        #expect(sender.sent[0].text.hasPrefix("EVAL "))
        try sender.reply("*2\r\n:1\r\n:4\r\n")
        #expect(counts == [4])
        // What is no number of processes changes nothing, and neither does silence.
        for reply in ["*2\r\n:1\r\n:0\r\n", "*2\r\n:1\r\n$1\r\n7\r\n", "*1\r\n:1\r\n", "-OOM command not allowed\r\n", "+OK\r\n"] {
            presence.tell()
            try sender.reply(reply)
        }
        presence.tell()
        sender.fail(.timedOut)
        #expect(counts == [4])
        presence.leave()
        presence.leave()
        presence.tell()
        #expect(sender.sent.count == 1 && sender.sent[0].text.hasSuffix(" 10000 1 0"))
    }
}

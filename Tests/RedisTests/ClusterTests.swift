import Testing

@testable import Redis

private func slot(_ key: String) -> UInt16 { withBytes(key) { ClusterSlot(of: $0).number } }

@Suite struct ClusterTests {
    @Test(
        "a key's slot is its checksum's, or that of what stands between braces (cluster specification, \"Hash tags\")",
        arguments: [
            ("123456789", 12739), ("foo", 12182), ("bar", 5061), ("", 0), ("{user1000}.following", 3443), ("user1000", 3443),
            ("martlet:{acme}:x", slot("acme")), ("{}foo", slot("{}foo")), ("foo{", slot("foo{")), ("foo{a}{b}", slot("a")),
        ])
    func slots(key: String, expected: UInt16) { #expect(slot(key) == expected) }

    @Test("an empty tag is none, and the first brace decides")
    func tags() {
        #expect(slot("foo{}{bar}") != slot("bar"))
        #expect(slot("foo{{bar}}zap") == slot("{bar"))
        #expect(ClusterSlot(16383) != nil && ClusterSlot(16384) == nil && ClusterSlot(-1) == nil)
    }

    private static let node = "*3\r\n$9\r\n127.0.0.1\r\n:7001\r\n$1\r\na\r\n"

    @Test("slots are read with their primaries; replicas and slots without a server are left out")
    func topology() throws {
        let text =
            "*2\r\n*4\r\n:0\r\n:5460\r\n\(Self.node)*3\r\n$9\r\n127.0.0.1\r\n:7004\r\n$1\r\nd\r\n"
            + "*3\r\n:5462\r\n:16383\r\n*4\r\n$5\r\nredis\r\n:7002\r\n$1\r\nb\r\n*0\r\n"
        let topology = try #require(try withReply(text) { ClusterTopology($0, askedAt: "h") })
        #expect(topology.primaries == [.host("127.0.0.1", port: 7001), .host("redis", port: 7002)])
        #expect(topology.owners[0] == 0 && topology.owners[5460] == 0 && topology.owners[5461] == -1 && topology.owners[16383] == 1)
        #expect(!topology.isComplete)
    }

    @Test("a server that does not know its own address is where it was asked", arguments: ["$0\r\n\r\n", "$-1\r\n", "$1\r\n?\r\n"])
    func unknownHost(name: String) throws {
        let text = "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n\(name):7001\r\n$1\r\na\r\n"
        let topology = try #require(try withReply(text) { ClusterTopology($0, askedAt: "cluster.example") })
        #expect(topology.primaries == [.host("cluster.example", port: 7001)] && topology.isComplete)
    }

    @Test(
        "what is not a list of slots is none",
        arguments: [
            "+OK\r\n", "-ERR This instance has cluster support disabled\r\n", "*1\r\n:1\r\n",
            "*1\r\n*3\r\n:0\r\n:16384\r\n\(node)", "*1\r\n*3\r\n:5\r\n:4\r\n\(node)", "*1\r\n*3\r\n:-1\r\n:4\r\n\(node)",
            "*1\r\n*2\r\n:0\r\n:4\r\n", "*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n$1\r\nh\r\n:65536\r\n",
            "*1\r\n*3\r\n:0\r\n:4\r\n*1\r\n$1\r\nh\r\n",
        ])
    func noTopology(text: String) throws { #expect(try withReply(text) { ClusterTopology($0, askedAt: "h") } == nil) }

    @Test("a cluster of more ranges than most is read too")
    func manyRanges() throws {
        let text = "*16384\r\n" + (0..<16384).map { "*3\r\n:\($0)\r\n:\($0)\r\n*2\r\n$1\r\nh\r\n:\(7000 + $0 % 3)\r\n" }.joined()
        // As many nodes as a reply may have, and more than one that is split like this needs in practice.
        let read = try? withReply(text) { ClusterTopology($0, askedAt: "h") }
        #expect(read == nil)
        let half = "*8192\r\n" + (0..<8192).map { "*3\r\n:\($0)\r\n:\($0)\r\n*2\r\n$1\r\nh\r\n:\(7000 + $0 % 3)\r\n" }.joined()
        #expect(try withReply(half) { ClusterTopology($0, askedAt: "h") }?.primaries.count == 3)
    }

    @Test(
        "where a server sends a command that is not its own",
        arguments: [
            ("MOVED 3999 127.0.0.1:6381", Redirection.moved(ClusterSlot(3999)!, .host("127.0.0.1", port: 6381))),
            ("MOVED 0 ::1:6381", .moved(ClusterSlot(0)!, .host("::1", port: 6381))),
            ("MOVED 1 :6381", .moved(ClusterSlot(1)!, .host("asked", port: 6381))),
            ("MOVED 1 ?:6381", .moved(ClusterSlot(1)!, .host("asked", port: 6381))),
            ("ASK 3999 redis-1.example:6381", .ask(.host("redis-1.example", port: 6381))),
            ("TRYAGAIN Multiple keys request during rehashing of slot", .again),
            ("CLUSTERDOWN Hash slot not served", .down),
        ])
    func redirections(words: String, expected: Redirection) throws {
        #expect(try withReply("-\(words)\r\n") { Redirection($0, from: "asked") } == expected)
    }

    @Test(
        "anything else is an answer",
        arguments: [
            "-MOVED 16384 h:1", "-MOVED 1 h", "-MOVED 1 h:0", "-MOVED x h:1", "-ASK 1", "-ERR x", "+MOVED 1 h:1", "-MOVEDX 1 h:1",
        ])
    func noRedirection(line: String) throws { #expect(try withReply("\(line)\r\n") { Redirection($0, from: "asked") } == nil) }
}

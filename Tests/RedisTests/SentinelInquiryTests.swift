import Testing

@testable import Redis

@Suite struct SentinelInquiryTests {
    private static let known = "*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6380\r\n"

    @Test("Sentinels are asked in turn until one knows the primary, each time beginning with another")
    func turns() throws {
        var inquiry = SentinelInquiry(sentinels: 3, master: "m")
        #expect(inquiry.begin() == .ask(0))
        #expect(inquiry.failed(.notConnected) == .ask(1))
        #expect(try withReply(Self.known) { inquiry.replied($0) } == .found(.host("127.0.0.1", port: 6380)))
        #expect(inquiry.begin() == .ask(2))
        #expect(inquiry.failed(.timedOut) == .ask(0))
    }

    @Test("where none knows it, words say more than silence")
    func failures() throws {
        var inquiry = SentinelInquiry(sentinels: 3, master: "m")
        _ = inquiry.begin()
        #expect(try withReply("*-1\r\n") { inquiry.replied($0) } == .ask(1))
        #expect(inquiry.failed(.timedOut) == .ask(2))
        #expect(inquiry.failed(.notConnected) == .failed(.unfit("that no primary is named m")))
        _ = inquiry.begin()
        #expect(inquiry.failed(.unreachable("Connection refused")) == .ask(1))
        _ = inquiry.failed(.notConnected)
        #expect(inquiry.failed(.timedOut) == .failed(.unreachable("Connection refused")))
    }

    @Test(
        "an address that is none is no answer",
        arguments: ["*2\r\n$1\r\nh\r\n$1\r\n0\r\n", "*2\r\n$0\r\n\r\n$1\r\n1\r\n", "*1\r\n$1\r\nh\r\n", "+h\r\n"])
    func noAddress(text: String) throws {
        var inquiry = SentinelInquiry(sentinels: 1, master: "m")
        _ = inquiry.begin()
        #expect(try withReply(text) { inquiry.replied($0) } == .failed(.unfit("that no primary is named m")))
    }
}

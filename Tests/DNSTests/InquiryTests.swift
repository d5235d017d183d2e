import Net
import Random
import Testing
import Time

@testable import DNS

@Suite("A question and its servers")
struct InquiryTests {
    private let question = Question(DomainName("a.test")!, .a)
    private let one = SocketAddress("10.0.0.1:53")!
    private let two = SocketAddress("10.0.0.2:53")!
    private let now = Instant(nanoseconds: 1_000_000_000)

    private func inquiry(attempts: Int = 2) -> Inquiry {
        Inquiry(question, ResolverSettings(servers: [one, two], search: [], dots: 1, timeout: .seconds(3), attempts: attempts))
    }

    /// What is sent: to whom, by what, and its identifier.
    private func tried(_ step: Inquiry.Step) -> (SocketAddress, isStream: Bool, id: UInt16, bytes: [UInt8])? {
        guard case .send(let server, let bytes, let isStream, let until) = step else { return nil }
        #expect(until == now + .seconds(3))
        return (server, isStream, UInt16(bytes[0]) << 8 | UInt16(bytes[1]), bytes)
    }

    @Test("servers are asked in turn, as often as was said, each time by another identifier")
    func turns() throws {
        var random = RandomGenerator(seed: 1)
        var inquiry = inquiry()
        var step = inquiry.begin(now: now, using: &random)
        var ids: Set<UInt16> = []
        for server in [one, two, one, two] {
            let sent = try #require(tried(step))
            #expect(sent.0 == server && !sent.isStream)
            ids.insert(sent.id)
            step = inquiry.failed(now: now, using: &random)
        }
        #expect(step == .finished(.failed))
        #expect(ids.count == 4)
    }

    @Test("an answer is taken when its identifier and question fit, anything else is waited past")
    func fitting() throws {
        var random = RandomGenerator(seed: 2)
        var inquiry = inquiry()
        let id = try #require(tried(inquiry.begin(now: now, using: &random))).id
        var good = AnswerBytes(id, question)
        good.add(question.name, .a, ttl: 7, [10, 0, 0, 9])
        var other = AnswerBytes(id, Question(DomainName("b.test")!, .a))
        other.add(question.name, .a, ttl: 7, [10, 0, 0, 8])
        for stray in [AnswerBytes(id &+ 1, question).bytes, other.bytes, AnswerBytes(id, question, flags: 0).bytes, [1, 2, 3], []] {
            #expect(inquiry.received(stray, now: now, using: &random) == .wait)
        }
        #expect(
            inquiry.received(good.bytes, now: now, using: &random)
                == .finished(.records([.address(SocketAddress("10.0.0.9:0")!)], ttlSeconds: 7)))
    }

    @Test("a truncated answer is asked for by a stream, from the same server; truncated there, it is none")
    func truncated() throws {
        var random = RandomGenerator(seed: 3)
        var inquiry = inquiry()
        let first = try #require(tried(inquiry.begin(now: now, using: &random)))
        let cut = AnswerBytes(first.id, question, flags: 0x8380).bytes + [9, 9]
        let second = try #require(tried(inquiry.received(cut, now: now, using: &random)))
        #expect(second.0 == one && second.isStream)
        let again = AnswerBytes(second.id, question, flags: 0x8380).bytes
        let third = try #require(tried(inquiry.received(again, now: now, using: &random)))
        #expect(third.0 == two && !third.isStream)
    }

    @Test("a server in trouble gives way to the next; one without EDNS is asked again without")
    func codes() throws {
        var random = RandomGenerator(seed: 4)
        var inquiry = inquiry()
        let first = try #require(tried(inquiry.begin(now: now, using: &random)))
        let second = try #require(
            tried(inquiry.received(AnswerBytes(first.id, question, flags: 0x8182).bytes, now: now, using: &random)))
        #expect(second.0 == two)
        let third = try #require(
            tried(inquiry.received(AnswerBytes(second.id, nil, flags: 0x8181).bytes, now: now, using: &random)))
        #expect(third.0 == two && third.bytes.count == second.bytes.count - 11)
        let fourth = try #require(
            tried(inquiry.received(AnswerBytes(third.id, question, flags: 0x8181).bytes, now: now, using: &random)))
        #expect(fourth.0 == one && fourth.bytes.count == first.bytes.count)
    }
}

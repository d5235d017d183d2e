import Testing
import Time

@testable import Redis

@Suite struct PipelineTests {
    private let recorder = Recorder()

    private func entry(_ tag: UInt, _ milliseconds: Int) -> Pipeline.Entry {
        Pipeline.Entry(handler: recorder, tag: tag, deadline: start + .milliseconds(milliseconds))
    }

    private func expired(_ pipeline: inout Pipeline, _ milliseconds: Int) -> [UInt] {
        var tags: [UInt] = []
        while let entry = pipeline.expire(now: start + .milliseconds(milliseconds)) { tags.append(entry.tag) }
        return tags
    }

    @Test("a command with less time than those before it expires before them and keeps its place")
    func hurried() {
        var pipeline = Pipeline(capacity: 8)
        for (tag, milliseconds) in [(1, 20), (2, 5), (3, 25), (4, 7)] { pipeline.push(entry(UInt(tag), milliseconds)) }
        #expect(pipeline.nextDeadline == start + .milliseconds(5))
        #expect(expired(&pipeline, 4) == [])
        #expect(expired(&pipeline, 5) == [2])
        #expect(pipeline.nextDeadline == start + .milliseconds(7))
        #expect(expired(&pipeline, 8) == [4])
        #expect(pipeline.nextDeadline == start + .milliseconds(20))
        var delivered: [UInt?] = []
        for _ in 0..<4 {
            switch pipeline.answered() {
            case .deliver(let entry): delivered.append(entry.tag)
            case .swallow: delivered.append(nil)
            case .unexpected: Issue.record("nobody asked")
            }
        }
        #expect(delivered == [1, nil, 3, nil])
        guard case .unexpected = pipeline.answered() else {
            Issue.record("something is left")
            return
        }
        #expect(pipeline.nextDeadline == nil && expired(&pipeline, 1000) == [])
    }

    @Test("behind a command with much time many expire without a search for each")
    func manyHurried() {
        let count = 20_000
        var pipeline = Pipeline(capacity: count + 1)
        pipeline.push(entry(0, 60_000))
        for tag in 1...count { pipeline.push(entry(UInt(tag), 20)) }
        var tags: [UInt] = []
        let spent = ContinuousClock().measure { tags = expired(&pipeline, 20) }
        #expect(tags == (1...count).map { UInt($0) })
        // A search for each would be two hundred million steps.
        #expect(spent < .seconds(2))
        #expect(pipeline.nextDeadline == start + .milliseconds(60_000))
    }

    @Test("every command is told its end once, whatever the order of deadlines, answers and losses", arguments: 0..<50)
    func once(seed: UInt64) {
        var random = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        func next(_ bound: Int) -> Int {
            random ^= random << 13
            random ^= random >> 7
            random ^= random << 17
            return Int(random % UInt64(bound))
        }
        var pipeline = Pipeline(capacity: 16)
        var waiting: [UInt: Int] = [:]
        var now = 0
        for tag in 0..<400 {
            now += next(4)
            if !pipeline.isFull {
                let deadline = now + (next(4) == 0 ? next(20) : 20)
                pipeline.push(entry(UInt(tag), deadline))
                waiting[UInt(tag)] = deadline
            }
            let over = Set(waiting.filter { $0.value <= now }.keys)
            #expect(
                (pipeline.nextDeadline ?? .distantFuture) <= waiting.values.min().map { start + .milliseconds($0) }
                    ?? .distantFuture)
            #expect(Set(expired(&pipeline, now)) == over)
            for tag in over { waiting[tag] = nil }
            if next(2) == 0, case .deliver(let entry) = pipeline.answered() {
                #expect(waiting.removeValue(forKey: entry.tag) != nil)
            }
        }
        while let entry = pipeline.abandon() { #expect(waiting.removeValue(forKey: entry.tag) != nil) }
        #expect(waiting.isEmpty && pipeline.count == 0)
    }
}

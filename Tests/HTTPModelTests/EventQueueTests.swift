import Bytes
import Testing

@testable import HTTPModel

@Suite("Events that wait")
struct EventQueueTests {
    /// Notes what it hears.
    final class Handler: StreamHandler {
        var heard: [String] = []
        var onHead: (StreamPointer) -> Void = { _ in }

        private func fields(_ stream: StreamPointer, from start: Int = 0) -> String {
            (start..<stream.pointee.fields.count).map { stream.pointee.fields[$0].nameText }.joined(separator: ",")
        }

        func streamInformational(_ stream: StreamPointer) { heard.append("informational \(fields(stream))") }
        func streamHead(_ stream: StreamPointer, ended: Bool) {
            heard.append("head \(fields(stream))\(ended ? ", ended" : "")")
            onHead(stream)
        }
        func streamData(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) { heard.append("data \(bytes.count)") }
        func streamEnded(_ stream: StreamPointer) {
            heard.append("ended \(fields(stream, from: stream.pointee.trailersStart))")
        }
        func streamDrained(_ stream: StreamPointer, _ count: Int) { heard.append("drained \(count)") }
        func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { heard.append("closed \(reason)") }
    }

    final class Site {
        let pool = StreamPool(chunks: ChunkPool())
        let queue = EventQueue()
        let handler = Handler()
        private(set) var performed: [ConnectionEvent] = []

        func stream() -> StreamPointer {
            let stream = pool.take()
            stream.handler = handler
            return stream
        }

        func deliver() {
            queue.deliver(now: 5) { event in
                performed.append(event)
                if case .streamClosed(let stream) = event { pool.give(stream) }
            }
        }

        /// A section whose fields wait behind another of its stream.
        func waiting(_ names: [String], _ stream: StreamPointer) -> StreamEvent.Section {
            let start = Int32(queue.fieldCount)
            for name in names {
                let name = Array(name.utf8)
                let field = name.withUnsafeBytes {
                    stream.pointee.fields.keepField(name: $0, value: UnsafeRawBufferPointer(start: nil, count: 0), token: .other)
                }
                queue.append(field)
            }
            return StreamEvent.Section(waiting: start..<Int32(queue.fieldCount))
        }
    }

    @Test("what waited is told in its order, each section with its own fields")
    func order() {
        let site = Site()
        let stream = site.stream()
        stream.pointee.fields.append("early", "1")
        site.queue.append(.informational(stream, StreamEvent.Section()))
        site.queue.append(.head(stream, site.waiting(["a", "b"], stream), ended: false))
        [UInt8]([1, 2, 3]).withUnsafeBytes { site.queue.append(.data(stream, $0)) }
        site.queue.append(.ended(stream, site.waiting(["last"], stream)))
        site.queue.append(.connection(.pong(7)))
        site.queue.append(.closed(stream, .complete))
        site.deliver()
        #expect(site.handler.heard == ["informational early", "head a,b", "data 3", "ended last", "closed complete"])
        #expect(site.performed == [.pong(7), .streamClosed(stream)])
        #expect(site.pool.liveCount == 0 && site.queue.isEmpty)
    }

    @Test("who changes a head finds the trailers that wait behind it untouched")
    func changedHead() {
        let site = Site()
        let stream = site.stream()
        stream.pointee.fields.append("a", "1")
        stream.pointee.fields.append("b", "2")
        site.queue.append(.head(stream, StreamEvent.Section(), ended: false))
        site.queue.append(.ended(stream, site.waiting(["last"], stream)))
        site.handler.onHead = { stream in
            stream.pointee.fields.removeAll { $0.nameText == "a" }
            stream.pointee.fields.append("c", "3")
        }
        site.deliver()
        #expect(site.handler.heard == ["head a,b", "ended last"])
        #expect((0..<3).map { stream.pointee.fields[$0].nameText } == ["b", "c", "last"])
        site.pool.give(stream)
    }

    @Test(
        "a stream that was reset is told of nothing but its end, and what it would have heard is given back",
        arguments: [false, true])
    func dropped(byLettingGo: Bool) {
        let site = Site()
        let stream = site.stream()
        site.queue.append(.head(stream, StreamEvent.Section(), ended: false))
        [UInt8](repeating: 0, count: 10).withUnsafeBytes { site.queue.append(.data(stream, $0)) }
        site.queue.append(.ended(stream, StreamEvent.Section()))
        site.queue.append(.closed(stream, .complete))
        site.handler.onHead = { stream in
            if byLettingGo { stream.handler = nil } else { stream.pointee.flags.insert(.resetSent) }
        }
        site.deliver()
        #expect(site.handler.heard == (byLettingGo ? ["head "] : ["head ", "closed complete"]))
        #expect(site.performed == [.unheard(stream, 10), .streamClosed(stream)])
        #expect(site.pool.liveCount == 0)
    }

    @Test("what ends the connection within a delivery drops the rest")
    func stopped() {
        let site = Site()
        let stream = site.stream()
        site.queue.append(.head(stream, StreamEvent.Section(), ended: false))
        site.queue.append(.ended(stream, StreamEvent.Section()))
        site.handler.onHead = { _ in site.queue.removeAll() }
        site.deliver()
        #expect(site.handler.heard == ["head "] && site.queue.isEmpty)
        site.pool.give(stream)
    }

    @Test("bytes that leave in a row are told together")
    func drained() {
        let site = Site()
        let (one, other) = (site.stream(), site.stream())
        for (stream, count) in [(one, 1), (one, 2), (other, 4), (one, 8)] { site.queue.appendDrained(stream, count) }
        site.deliver()
        #expect(site.handler.heard == ["drained 3", "drained 4", "drained 8"])
        site.queue.appendDrained(one, 1)
        site.deliver()
        #expect(site.handler.heard.last == "drained 1")
        site.pool.give(one)
        site.pool.give(other)
    }

    @Test("it is full at 256 events, or at 256 KiB of fields, and not one before")
    func full() {
        let queue = EventQueue()
        for _ in 0..<255 { queue.append(.connection(.settingsChanged)) }
        #expect(!queue.isFull)
        queue.append(.connection(.settingsChanged))
        #expect(queue.isFull)
        var count = 0
        queue.deliver(now: 1) { _ in count += 1 }
        #expect(count == 256 && !queue.isFull)
        queue.fieldBytes = (256 << 10) - 1
        #expect(!queue.isFull)
        queue.fieldBytes += 1
        #expect(queue.isFull)
    }

    @Test("events that no codec can hold back have room: as many as one read can mean, and those of a GOAWAY")
    func unstoppable() {
        let queue = EventQueue()
        // 255, and a read of nothing but empty frames that end streams which are closed by it.
        let most = 255 + 2 * ((256 << 10) / 9)
        for _ in 0..<most { queue.append(.connection(.settingsChanged)) }
        queue.reserve(1_000_000)
        for _ in 0..<1_000_000 { queue.append(.connection(.settingsChanged)) }
        var count = 0
        queue.deliver(now: 1) { _ in count += 1 }
        #expect(count == most + 1_000_000)
    }
}

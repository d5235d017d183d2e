import Bytes
import HTTPTesting
import Testing

@testable import HTTPModel

@Suite("Events that wait")
struct EventQueueTests {
    final class Site {
        let pool = StreamPool(chunks: ChunkPool())
        let queue = EventQueue()
        let handler = StreamRecorder(isDetailed: true)
        private(set) var performed: [ConnectionEvent] = []

        func stream() -> StreamPointer {
            let stream = pool.acquire()
            stream.handler = handler
            return stream
        }

        func deliver() {
            queue.deliver(now: 5) { event in
                performed.append(event)
                if case .streamClosed(let stream) = event { pool.release(stream) }
            }
        }

        /// A section whose fields wait behind another of its stream.
        func waiting(_ names: [String], _ stream: StreamPointer) -> StreamEvent.Section {
            let start = Int32(queue.fieldCount)
            for name in names {
                let name = Array(name.utf8)
                let field = name.withUnsafeBytes {
                    stream.fields.keepField(name: $0, value: UnsafeRawBufferPointer(start: nil, count: 0), token: .other)
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
        stream.fields.append("early", "1")
        site.queue.append(.informational(stream, StreamEvent.Section()))
        site.queue.append(.head(stream, site.waiting(["a", "b"], stream), ended: false))
        [UInt8]([1, 2, 3]).withUnsafeBytes { bytes in
            site.queue.append(.data(stream, bytes))
            site.queue.append(.ended(stream, site.waiting(["last"], stream)))
            site.queue.append(.connection(.pong(7)))
            site.queue.append(.closed(stream, .complete))
            site.deliver()
        }
        #expect(site.handler.events == ["informational early=1", "head a b", "data 3", "ended last", "closed complete"])
        #expect(site.performed == [.pong(7), .streamClosed(stream)])
        #expect(site.pool.liveCount == 0 && site.queue.isEmpty)
    }

    @Test("body bytes name the buffer that their codec was given")
    func namedBuffer() {
        let (site, chunks) = (Site(), ChunkPool())
        let buffer = chunks.acquireReadBuffer()
        defer { chunks.release(buffer) }
        let stream = site.stream()
        for named in [buffer, nil] {
            site.queue.inputBuffer = named
            site.queue.append(.data(stream, buffer.first(8).bytes))
            site.deliver()
        }
        #expect(site.handler.buffers == [buffer, nil])
        site.pool.release(stream)
    }

    @Test("who changes a head finds the trailers that wait behind it untouched")
    func changedHead() {
        let site = Site()
        let stream = site.stream()
        stream.fields.append("a", "1")
        stream.fields.append("b", "2")
        site.queue.append(.head(stream, StreamEvent.Section(), ended: false))
        site.queue.append(.ended(stream, site.waiting(["last"], stream)))
        site.handler.onHead = { stream in
            stream.fields.removeAll { $0.nameText == "a" }
            stream.fields.append("c", "3")
        }
        site.deliver()
        #expect(site.handler.events == ["head a=1 b=2", "ended last"])
        #expect((0..<3).map { stream.fields[$0].nameText } == ["b", "c", "last"])
        site.pool.release(stream)
    }

    @Test("fields are taken out of a head alone, also where its trailers are there already")
    func headAlone() {
        let site = Site()
        let stream = site.stream()
        for name in ["a", "x", "b"] { stream.fields.append(name, "1") }
        stream.trailersStart = stream.fields.count
        for name in ["x", "t"] { stream.fields.append(name, "2") }
        stream.removeHeadFields { $0.nameText == "x" }
        #expect((0..<stream.fields.count).map { stream.fields[$0].nameText } == ["a", "b", "x", "t"])
        #expect(stream.trailersStart == 2)
        site.pool.release(stream)
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
            if byLettingGo { stream.handler = nil } else { stream.flags.insert(.resetSent) }
        }
        site.deliver()
        #expect(site.handler.events == (byLettingGo ? ["head"] : ["head", "closed complete"]))
        #expect(site.performed == [.discarded(stream, 10), .streamClosed(stream)])
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
        #expect(site.handler.events == ["head"] && site.queue.isEmpty)
        site.pool.release(stream)
    }

    @Test("bytes that leave in a row are told together")
    func drained() {
        let site = Site()
        let (one, other) = (site.stream(), site.stream())
        for (stream, count) in [(one, 1), (one, 2), (other, 4), (one, 8)] { site.queue.appendDrained(stream, count) }
        site.deliver()
        #expect(site.handler.events == ["drained 3", "drained 4", "drained 8"])
        site.queue.appendDrained(one, 1)
        site.deliver()
        #expect(site.handler.events.last == "drained 1")
        site.pool.release(one)
        site.pool.release(other)
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

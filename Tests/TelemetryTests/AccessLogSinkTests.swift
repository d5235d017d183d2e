import Glibc
import Testing
import Time

@testable import Telemetry

/// Both ends of a pipe, closed at the end of a test.
private final class Pipe {
    let reader: Int32
    let writer: Int32

    init(nonBlockingWriter: Bool = false) {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0)
        (reader, writer) = (ends[0], ends[1])
        if nonBlockingWriter { _ = fcntl(writer, F_SETFL, O_NONBLOCK) }
    }

    deinit {
        close(reader)
        close(writer)
    }

    /// Waits for at least one byte.
    func read(atMost count: Int = 1 << 20) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { $1 = max(0, Glibc.read(reader, $0.baseAddress!, count)) }
    }

    func text(_ count: Int) -> String {
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += read(atMost: count - bytes.count) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A path in a directory of its own, both removed at the end of a test.
private final class TemporaryFile {
    let path: String
    private let directory: String

    init() {
        var template = Array("/tmp/martlet-log-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path = directory + "/access.log"
    }

    deinit {
        unlink(path)
        unlink(path + ".1")
        rmdir(directory)
    }

    static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while true {
            let piece = [UInt8](unsafeUninitializedCapacity: 65536) {
                $1 = max(0, Glibc.read(descriptor, $0.baseAddress!, 65536))
            }
            if piece.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece
        }
    }
}

private func append(_ text: String, to ring: AccessLogRing) -> Bool {
    var text = text
    return text.withUTF8 { ring.append(line: UnsafeRawBufferPointer($0)) }
}

@Suite struct AccessLogRingTests {
    private let wakeup = AccessLogWakeup()!

    private func text(_ ring: AccessLogRing, _ range: Range<Int>) -> String {
        let (first, second) = ring.pieces(range)
        return String(decoding: Array(first) + Array(second), as: UTF8.self)
    }

    @Test("lines are seen when they are published, whole and in order, around the end of the memory too")
    func order() {
        let ring = AccessLogRing(capacity: 16, writer: wakeup)
        for round in 0..<50 {
            #expect(append("line\(round)\n", to: ring))
            #expect(!ring.hasPublished)
            ring.publish()
            let range = ring.readable()
            #expect(text(ring, range) == "line\(round)\n")
            ring.consumed(upTo: range.upperBound)
        }
        #expect(ring.linesDropped == 0)
    }

    @Test("a ring is filled to its last byte; one byte more drops the whole line and counts it")
    func full() {
        let ring = AccessLogRing(capacity: 16, writer: wakeup)
        #expect(append("0123456\n", to: ring))
        #expect(append("89abcde\n", to: ring))
        #expect(!append("\n", to: ring))
        #expect(!append("x\n", to: ring))
        #expect(ring.linesDropped == 2)
        let range = ring.readable()
        #expect(text(ring, range) == "0123456\n89abcde\n", "a full ring hands over without waiting for the tick's end")
        ring.consumed(upTo: range.lowerBound + 8)
        #expect(append("fits on\n", to: ring))
        #expect(!append("\n", to: ring))
    }

    @Test("a line longer than the ring is dropped")
    func tooLong() {
        let ring = AccessLogRing(capacity: 16, writer: wakeup)
        #expect(!append("0123456789abcdef\n", to: ring))
        #expect(append("0123456789abcde\n", to: ring))
    }
}

@Suite struct AccessLogBatchTests {
    private let wakeup = AccessLogWakeup()!

    private func rings(_ count: Int, capacity: Int) -> [AccessLogRing] {
        (0..<count).map { _ in AccessLogRing(capacity: capacity, writer: wakeup) }
    }

    @Test("all rings go out in one write")
    func oneWrite() {
        // A datagram socket keeps the boundaries of writes.
        var ends: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0, &ends) == 0)
        defer { ends.forEach { _ = close($0) } }
        let rings = rings(3, capacity: 16)
        // The second wraps around.
        _ = append("0123456789\n", to: rings[1])
        rings[1].publish()
        rings[1].consumed(upTo: 11)
        for (index, ring) in rings.enumerated() {
            _ = append("ring \(index) end\n", to: ring)
            ring.publish()
        }
        var batch = AccessLogBatch(rings)
        let (isEmpty, loss) = batch.write(to: AccessLogOutput(borrowing: ends[1]), isAbandoned: { true })
        #expect(!isEmpty && loss == .none)
        var buffer = [UInt8](repeating: 0, count: 200)
        let count = read(ends[0], &buffer, 200)
        #expect(String(decoding: buffer[..<max(0, count)], as: UTF8.self) == "ring 0 end\nring 1 end\nring 2 end\n")
        #expect(batch.write(to: AccessLogOutput(borrowing: ends[1]), isAbandoned: { true }).isEmpty)
    }

    @Test("after a file was moved away the next batch goes to the new one")
    func reopen() throws {
        let file = TemporaryFile()
        let ring = rings(1, capacity: 64)[0]
        var batch = AccessLogBatch([ring])
        for (text, move) in [("one\n", true), ("two\n", false), ("three\n", false)] {
            _ = append(text, to: ring)
            ring.publish()
            _ = batch.write(to: try AccessLogOutput(.path(file.path)), isAbandoned: { true })
            if move { #expect(rename(file.path, file.path + ".1") == 0) }
        }
        #expect(TemporaryFile.read(file.path + ".1") == "one\n")
        #expect(TemporaryFile.read(file.path) == "two\nthree\n")
    }

    @Test("a full disk loses the batch, counted by lines, and nothing else")
    func fullDisk() throws {
        let ring = rings(1, capacity: 64)[0]
        var batch = AccessLogBatch([ring])
        _ = append("one\n", to: ring)
        _ = append("two\n", to: ring)
        ring.publish()
        #expect(
            batch.write(to: try AccessLogOutput(.path("/dev/full")), isAbandoned: { true }) == (
                false, AccessLogLoss(lines: 2, errno: ENOSPC)
            ))
        let file = TemporaryFile()
        _ = append("three\n", to: ring)
        ring.publish()
        #expect(batch.write(to: try AccessLogOutput(.path(file.path)), isAbandoned: { true }) == (false, .none))
        #expect(TemporaryFile.read(file.path) == "three\n")
    }

    @Test("another target is used at once where the present one takes nothing, without the rest of the line that was cut")
    func replacedWhileFull() throws {
        let pipe = Pipe(nonBlockingWriter: true)
        let output = AccessLogOutput(borrowing: pipe.writer)
        let ring = rings(1, capacity: 1 << 18)[0]
        var batch = AccessLogBatch([ring])
        _ = append(String(repeating: "x", count: 99_999) + "\n", to: ring)
        _ = append("whole\n", to: ring)
        ring.publish()
        #expect(batch.write(to: output, isAbandoned: { false }, isReplaced: { true }) == (false, .none))
        let file = TemporaryFile()
        let next = try AccessLogOutput(.path(file.path))
        #expect(batch.write(to: next, isAbandoned: { true }) == (false, AccessLogLoss(lines: 1, errno: 0)))
        #expect(batch.write(to: next, isAbandoned: { true }) == (false, .none))
        #expect(TemporaryFile.read(file.path) == "whole\n")
    }

    @Test("a named pipe that no program reads is refused at once, and one whose reader comes back is written again")
    func namedPipe() throws {
        let file = TemporaryFile()
        #expect(mkfifo(file.path, 0o600) == 0)
        let failure = #expect(throws: AccessLogFailure.self) { try AccessLogOutput(.path(file.path)) }
        #expect(failure?.reason == "no program has the named pipe open for reading")
        signal(SIGPIPE, SIG_IGN)
        var reader = open(file.path, O_RDONLY | O_NONBLOCK)
        let output = try AccessLogOutput(.path(file.path))
        let ring = rings(1, capacity: 64)[0]
        var batch = AccessLogBatch([ring])
        func write(_ text: String) -> AccessLogLoss {
            _ = append(text, to: ring)
            ring.publish()
            return batch.write(to: output, isAbandoned: { true }).loss
        }
        #expect(write("one\n") == .none)
        close(reader)
        #expect(write("two\n") == AccessLogLoss(lines: 1, errno: EPIPE))
        reader = open(file.path, O_RDONLY | O_NONBLOCK)
        #expect(write("three\n") == .none)
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(reader, &buffer, 64)
        // What the first reader did not read is still in the pipe.
        #expect(String(decoding: buffer[..<max(0, count)], as: UTF8.self) == "one\nthree\n")
        close(reader)
    }

    @Test("a line that was cut is ended before the next begins, and a line that merely waited goes on")
    func cutLine() {
        let pipe = Pipe(nonBlockingWriter: true)
        let output = AccessLogOutput(borrowing: pipe.writer)
        let ring = rings(1, capacity: 1 << 18)[0]
        var batch = AccessLogBatch([ring])
        let long = String(repeating: "x", count: 99_999) + "\n"
        _ = append(long, to: ring)
        ring.publish()
        // The pipe holds 64 KiB; while the rest waits for room, the other side reads.
        var received: [UInt8] = []
        #expect(
            batch.write(
                to: output,
                isAbandoned: {
                    received += pipe.read(); return false
                }) == (false, .none))
        while received.count < long.utf8.count { received += pipe.read() }
        #expect(String(decoding: received, as: UTF8.self) == long)

        _ = append(long, to: ring)
        ring.publish()
        #expect(batch.write(to: output, isAbandoned: { true }) == (false, AccessLogLoss(lines: 1, errno: EAGAIN)))
        let cut = pipe.read()
        #expect(cut.count == 65536)
        _ = append("next\n", to: ring)
        ring.publish()
        #expect(batch.write(to: output, isAbandoned: { true }) == (false, .none))
        #expect(pipe.text(6) == "\nnext\n")
        _ = append("last\n", to: ring)
        ring.publish()
        #expect(batch.write(to: output, isAbandoned: { true }) == (false, .none))
        #expect(pipe.text(5) == "last\n")
    }
}

@Suite struct AccessLogSinkTests {
    @Test("a sleeping writer wakes for what a worker publishes")
    func wakes() throws {
        let pipe = Pipe()
        let sink = try AccessLogSink(output: AccessLogOutput(borrowing: pipe.writer), workers: 1, ringBytes: 1 << 16)
        let ring = sink.ring(0)
        for round in 0..<50 {
            let text = "round \(round)\n"
            #expect(append(text, to: ring))
            ring.publish()
            #expect(pipe.text(text.utf8.count) == text)
        }
        #expect(sink.stop(withinMilliseconds: 10_000))
        #expect(sink.linesDropped == 0 && sink.linesLost == 0)
    }

    @Test("workers and writer together lose nothing but what they count, and no line is broken or out of order")
    func together() async throws {
        let file = TemporaryFile()
        let (workers, lines) = (3, 4000)
        let sink = try AccessLogSink(.path(file.path), workers: workers, ringBytes: 1 << 13)
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<workers {
                let ring = sink.ring(worker)
                group.addTask {
                    for line in 0..<lines {
                        _ = append("\(worker) \(line) \(String(repeating: "y", count: line % 50))\n", to: ring)
                        if line % 10 == 9 { ring.publish() }
                        // Lets a machine with few cores write in between.
                        if line % 100 == 99 { await Task.yield() }
                    }
                    ring.publish()
                }
            }
        }
        #expect(sink.stop(withinMilliseconds: 30_000))
        var written = 0
        var last = [Int](repeating: -1, count: workers)
        for line in TemporaryFile.read(file.path).split(separator: "\n") {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            let (worker, number) = (try #require(Int(parts[0])), try #require(Int(parts[1])))
            #expect(parts.count == 3 && parts[2].utf8.count == number % 50)
            #expect(number > last[worker])
            last[worker] = number
            written += 1
        }
        #expect(written + Int(sink.linesDropped) == workers * lines)
        #expect(sink.linesLost == 0)
    }

    @Test("entries go to the log as JSON lines, and nowhere while it is off")
    func offAndOn() throws {
        let file = TemporaryFile()
        let sink = try AccessLogSink(.off, workers: 1)
        let ring = sink.ring(0)
        #expect(!ring.isEnabled)
        #expect(ring.append(AccessLogEntry(time: WallTime(seconds: 1))))
        ring.publish()
        #expect(throws: AccessLogFailure(subject: file.path + "/x", errno: ENOENT)) {
            try sink.open(.path(file.path + "/x"))
        }
        #expect(!ring.isEnabled)
        try sink.open(.path(file.path))
        #expect(ring.isEnabled)
        #expect(ring.append(AccessLogEntry(time: WallTime(seconds: 2))))
        ring.publish()
        #expect(sink.stop(withinMilliseconds: 10_000))
        #expect(
            TemporaryFile.read(file.path)
                == #"{"time":"1970-01-01T00:00:02.000Z","bytes_received":0,"bytes_sent":0,"duration_us":0}"# + "\n")
    }

    @Test("a target that takes nothing fills the ring, blocks no worker, and holds up the end no longer than asked")
    func stuck() throws {
        let pipe = Pipe()
        let sink = try AccessLogSink(output: AccessLogOutput(borrowing: pipe.writer), workers: 1, ringBytes: 1 << 17)
        let ring = sink.ring(0)
        let line = String(repeating: "z", count: 999) + "\n"
        // More than the ring and the pipe hold together.
        for _ in 0..<400 {
            _ = append(line, to: ring)
            ring.publish()
        }
        #expect(sink.linesDropped > 0)
        #expect(!sink.stop(withinMilliseconds: 40))
        // The pipe is read empty after all, so that the writer ends with the test.
        var left = 1000 * (400 - Int(sink.linesDropped))
        while left > 0 { left -= pipe.read().count }
    }
}

internal import Glibc
internal import Reactor
internal import Synchronization

/// A descriptor for lines that may be a pipe which is not read: no thread waits for it for long.
///
///     taking ──no room for `patience`──▶ full: lines are dropped and counted ──room──▶ taking, after a line with the count
final class StandardError: Sendable {
    static let shared = StandardError(STDERR_FILENO, patienceMilliseconds: 1000)

    private let descriptor: Int32
    private let patienceMilliseconds: Int32
    private let state = Mutex(State())

    private struct State {
        var linesDropped: UInt64 = 0
        /// The last line was cut.
        var endsMidLine = false
    }

    init(_ descriptor: Int32, patienceMilliseconds: Int32) {
        self.descriptor = descriptor
        self.patienceMilliseconds = patienceMilliseconds
    }

    /// A line with its line feed; several keep together.
    func write(_ text: String) {
        state.withLock { state in
            if state.linesDropped > 0 {
                let lines = state.linesDropped
                let word = lines == 1 ? "1 notice was" : "\(lines) diagnostics were"
                guard put("\(state.endsMidLine ? "\n" : "")\(word) dropped: standard error took nothing\n", waiting: 0) == .whole
                else {
                    state.linesDropped += 1
                    return
                }
                state = State()
            }
            let outcome = put(text, waiting: patienceMilliseconds)
            guard outcome != .whole else { return }
            state.linesDropped += 1
            state.endsMidLine = outcome == .cut
        }
    }

    private enum Outcome { case whole, cut, none }

    /// In pieces of PIPE_BUF: a pipe that is said to be writable takes one without blocking.
    private func put(_ text: String, waiting milliseconds: Int32) -> Outcome {
        var text = text
        let deadline = ContinuousClock.now + .milliseconds(milliseconds)
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
                let ready = poll(&watched, 1, Int32(max(0, left)))
                if ready < 0, ErrorNumber.isInterruption { continue }
                guard ready > 0 else { return rest.count < bytes.count ? .cut : .none }
                let count = Glibc.write(descriptor, rest.baseAddress, min(rest.count, Int(PIPE_BUF)))
                if count < 0, ErrorNumber.isInterruption { continue }
                // Closed, or a full disk: there is no other place to say so.
                guard count > 0 else { return rest.count < bytes.count ? .cut : .none }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
            return .whole
        }
    }
}

internal import Glibc
internal import Reactor

/// Runs another program and collects what it writes, for a bounded time. Waits for it: never on a worker's thread.
enum Subprocess {
    struct Result {
        var status: Int32
        var output: [UInt8]
        var errors: [UInt8]
    }

    enum Failure: Error, Equatable {
        case notFound
        case notStarted(String)
        /// It was ended.
        case tooLong, tooMuch
        /// This process ends.
        case ending
    }

    private static let errorBytesMax = 1 << 20

    /// - Parameters:
    ///   - program: looked for in PATH. It gets no environment, no input and no signal that we hold back.
    ///   - running: kills it when this process leaves.
    static func run(
        _ program: String, _ words: [String], timeLimit: Duration, outputBytesMax: Int,
        among running: RunningSubprocesses = RunningSubprocesses()
    ) throws(Failure) -> Result {
        let output = try Pipe()
        let errors = try Pipe()
        guard let child = try running.starting({ () throws(Failure) in try start(program, words, output, errors) }) else {
            throw .ending
        }
        output.closeWriting()
        errors.closeWriting()
        var result = Result(status: 0, output: [], errors: [])
        let deadline = ContinuousClock.now + timeLimit
        do throws(Failure) {
            try collect(output, errors, into: &result, deadline, outputBytesMax)
            while true {
                if let status = running.status(of: child) {
                    let signal = status & 0x7F
                    // Like that of a shell for one that a signal ended.
                    result.status = signal == 0 ? (status >> 8) & 0xFF : 128 + signal
                    return result
                }
                guard ContinuousClock.now < deadline else { throw .tooLong }
                usleep(1000)
            }
        } catch {
            _ = running.status(of: child, killing: true)
            throw error
        }
    }

    private final class Pipe {
        let reading: Int32
        private(set) var writing: Int32

        init() throws(Failure) {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw .notStarted(ErrorNumber.text()) }
            (reading, writing) = (ends[0], ends[1])
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            _ = fcntl(reading, F_SETFL, O_NONBLOCK)
        }

        deinit {
            close(reading)
            closeWriting()
        }

        func closeWriting() {
            if writing >= 0 { close(writing) }
            writing = -1
        }
    }

    private static func start(
        _ program: String, _ words: [String], _ output: Pipe, _ errors: Pipe
    ) throws(Failure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.writing, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors.writing, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments: [UnsafeMutablePointer<CChar>?] = ([program] + words).map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        let code = posix_spawnp(&child, program, &actions, &attributes, &arguments, &environment)
        guard code == 0 else { throw code == ENOENT ? .notFound : .notStarted(ErrorNumber.text(code)) }
        return child
    }

    /// Until both are closed.
    private static func collect(
        _ output: Pipe, _ errors: Pipe, into result: inout Result, _ deadline: ContinuousClock.Instant, _ outputBytesMax: Int
    ) throws(Failure) {
        var descriptors = [output, errors].map { pollfd(fd: $0.reading, events: Int16(POLLIN), revents: 0) }
        while descriptors.contains(where: { $0.fd >= 0 }) {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { throw .tooLong }
            let milliseconds = Int32(
                clamping: left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1)
            guard poll(&descriptors, nfds_t(descriptors.count), milliseconds) > 0 else { continue }
            if descriptors[0].revents != 0, try !read(descriptors[0].fd, into: &result.output, outputBytesMax) {
                descriptors[0].fd = -1
            }
            if descriptors[1].revents != 0, try !read(descriptors[1].fd, into: &result.errors, errorBytesMax) {
                descriptors[1].fd = -1
            }
        }
    }

    /// False at the end.
    private static func read(_ descriptor: Int32, into bytes: inout [UInt8], _ limit: Int) throws(Failure) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        if count < 0 { return ErrorNumber.last == EAGAIN || ErrorNumber.isInterruption }
        bytes += chunk[..<count]
        guard bytes.count <= limit else { throw .tooMuch }
        return count > 0
    }
}

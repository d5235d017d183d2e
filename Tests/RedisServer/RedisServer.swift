internal import Glibc
internal import Synchronization

/// A real redis-server on a Unix socket in a directory of its own, for the length of a test.
///
/// A shell stands between: it reads from a pipe that this process holds, and ends the server when the pipe does. So a test
/// that crashes leaves nothing behind.
package final class RedisServer {
    /// `nil` where this machine has none; the tests that need it are then skipped.
    package static let program: String? = {
        for path in ["/usr/bin/redis-server", "/usr/local/bin/redis-server"] where access(path, X_OK) == 0 { return path }
        return nil
    }()

    private static let keeper = """
        "$@" & server=$!
        echo "pid $server"
        cat > /dev/null
        kill -KILL $server
        wait $server
        rm -rf "$0"
        """

    package let path: String
    private let shell: pid_t
    private let leash: Int32
    private var server: pid_t = 0
    private var isStopped = false

    /// Returns when the server says that it accepts connections; `nil` if it never does.
    package init?(_ options: [String] = []) {
        guard let program = Self.program else { return nil }
        var template = "\(P_tmpdir)/martlet-redis-XXXXXX".utf8CString.map { $0 }
        guard mkdtemp(&template) != nil else { return nil }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path = "\(directory)/redis.sock"
        let words =
            [
                "/bin/sh", "-c", Self.keeper, directory, program, "--port", "0", "--unixsocket", path, "--dir",
                directory, "--save", "", "--appendonly", "no",
            ] + options
        guard let (shell, leash, output) = Self.spawning.withLock({ _ in Self.spawn(words) }) else { return nil }
        self.shell = shell
        self.leash = leash
        let log = Self.read(output, until: "eady to accept connections")
        close(output)
        guard let log, let line = log.split(separator: "\n").first(where: { $0.hasPrefix("pid ") }),
            let server = pid_t(line.dropFirst(4))
        else {
            stop()
            return nil
        }
        self.server = server
    }

    /// One at a time, or a pipe's end could slip into another's server and hold it open.
    private static let spawning = Mutex(())

    /// The shell, our end of its input and our end of its output. It has nothing else of ours open, and blocks no signal.
    private static func spawn(_ words: [String]) -> (pid_t, Int32, Int32)? {
        var input: [Int32] = [0, 0]
        var output: [Int32] = [0, 0]
        guard pipe(&input) == 0, pipe(&output) == 0 else { return nil }
        // Not inherited, whatever their numbers: a shell that held its own leash would never end.
        for descriptor in input + output { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, input[0], 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        for descriptor in Int32(3)..<256 { posix_spawn_file_actions_addclose(&actions, descriptor) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var process: pid_t = 0
        let failure = posix_spawn(&process, words[0], &actions, &attributes, &arguments, environ)
        for argument in arguments { free(argument) }
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
        close(input[0])
        close(output[1])
        guard failure == 0 else { return nil }
        return (process, input[1], output[0])
    }

    private static func read(_ descriptor: Int32, until end: String) -> String? {
        var log = ""
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !log.contains(end) {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return nil }
            log += String(decoding: chunk[..<count], as: UTF8.self)
        }
        return log
    }

    /// Keeps the server from answering, as a network that swallows everything does; `resume` undoes it.
    package func pause() { kill(server, SIGSTOP) }
    package func resume() { kill(server, SIGCONT) }

    private func kill(_ process: pid_t, _ signal: Int32) { _ = Glibc.kill(process, signal) }

    /// Ends the server, and its connections with it; returns when it has gone.
    package func stop() {
        guard !isStopped else { return }
        isStopped = true
        close(leash)
        var status: Int32 = 0
        waitpid(shell, &status, 0)
    }

    deinit { stop() }
}

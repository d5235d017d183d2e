internal import Glibc
internal import Reactor

/// Where the access log goes.
package enum AccessLogTarget: Equatable, Sendable {
    case off
    case stdout
    /// Appended to, made with mode 0640 where it does not exist.
    case path(String)
}

/// The log could not be opened or its writer not started; `errno` as the system gave it.
package struct AccessLogFailure: Error, Equatable, Sendable {
    /// The path, or what was wanted from the system.
    package let subject: String
    package let errno: Int32

    /// For people.
    package var reason: String {
        // Of a named pipe only: a socket's path and a device that is missing have the same code.
        if errno == ENXIO, AccessLogOutput.isPipe(subject) { return "no program has the named pipe open for reading" }
        return ErrorNumber.text(errno)
    }
}

/// An open target. Owned by the writer thread once it is in use.
final class AccessLogOutput: Sendable {
    let descriptor: Int32
    private let ownsDescriptor: Bool

    init(_ target: AccessLogTarget) throws(AccessLogFailure) {
        switch target {
        case .off:
            descriptor = -1
            ownsDescriptor = false
        case .stdout:
            // A pipe is opened a second time, so that writes to it do not block: the mode belongs to the open file, which
            // other programs may share. Where that is not possible the writer thread may block, and nothing else does.
            let own = Self.isPipe(Self.standardOutput) ? open(Self.standardOutput, Self.mode) : -1
            descriptor = own >= 0 ? own : STDOUT_FILENO
            ownsDescriptor = own >= 0
        case .path(let path):
            descriptor = open(path, Self.mode | O_APPEND | O_CREAT, 0o640)
            ownsDescriptor = true
            if descriptor < 0 { throw AccessLogFailure(subject: path, errno: ErrorNumber.last) }
        }
    }

    /// Without O_NONBLOCK a named pipe that no program reads blocks in `open`, and so the thread that opens it.
    private static let mode = O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY
    private static let standardOutput = "/proc/self/fd/1"

    static func isPipe(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    }

    /// For tests: a descriptor that the caller opened and closes.
    init(borrowing descriptor: Int32) {
        self.descriptor = descriptor
        ownsDescriptor = false
    }

    deinit { if ownsDescriptor { close(descriptor) } }

    var isOff: Bool { descriptor < 0 }
}

internal import CLinux
internal import Glibc

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
            descriptor = STDOUT_FILENO
            ownsDescriptor = false
        case .path(let path):
            descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0o640)
            ownsDescriptor = true
            if descriptor < 0 { throw AccessLogFailure(subject: path, errno: linux_errno()) }
        }
    }

    /// For tests: a descriptor that the caller opened and closes.
    init(borrowing descriptor: Int32) {
        self.descriptor = descriptor
        ownsDescriptor = false
    }

    deinit { if ownsDescriptor { close(descriptor) } }

    var isOff: Bool { descriptor < 0 }
}

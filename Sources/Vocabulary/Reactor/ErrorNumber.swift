internal import CLinux
internal import Glibc

/// The errors of system calls: the one place that reads errno.
package enum ErrorNumber {
    /// Of the calling thread's last failed call.
    package static var last: Int32 { linux_errno() }

    /// The last call was interrupted by a signal, and may be tried again.
    package static var isInterruption: Bool { last == EINTR }

    /// What `code` means, as people read it.
    package static func text(_ code: Int32 = last) -> String { String(cString: strerror(code)) }
}

import Glibc
import Reactor

/// Files that commands create.
enum NewFile {
    enum Readers {
        /// Mode 0600: it holds a secret.
        case owner
        /// Mode 0644, minus the umask.
        case everyone

        fileprivate var mode: mode_t { self == .owner ? 0o600 : 0o644 }
    }

    /// Writes a file that must not exist yet. With `replacing` it may exist: it is replaced atomically, so that no reader sees a
    /// partial file, and its former permissions are not kept.
    static func write(
        _ bytes: UnsafeRawBufferPointer, to path: String, for readers: Readers, replacing: Bool
    ) throws(CommandFailure) {
        let target = replacing ? "\(path).\(getpid()).new" : path
        let descriptor = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, readers.mode)
        guard descriptor >= 0 else {
            if ErrorNumber.last == EEXIST { throw CommandFailure("\(target): already exists; --force replaces it") }
            throw failure(target, "cannot be created")
        }
        var isWritten = fill(descriptor, bytes)
        // A full disk may be reported only here.
        isWritten = close(descriptor) == 0 && isWritten
        if isWritten, !replacing || rename(target, path) == 0 { return }
        let failure = failure(path, "cannot be written")
        unlink(target)
        throw failure
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func fill(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, ErrorNumber.isInterruption { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func failure(_ path: String, _ what: String) -> CommandFailure {
        CommandFailure("\(path): \(what): \(ErrorNumber.text())")
    }
}

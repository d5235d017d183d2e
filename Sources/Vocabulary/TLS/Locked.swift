internal import COpenSSL

/// State that threads share, touched only under its lock.
///
/// OpenSSL's lock, which is pthread's: the thread sanitizer sees it, as it does not see Synchronization's `Mutex`.
final class Locked<State>: @unchecked Sendable {
    private let lock: UnsafeMutableRawPointer
    private var state: State

    init(_ state: State) {
        // Fails only for want of memory.
        lock = CRYPTO_THREAD_lock_new()!
        self.state = state
    }

    deinit { CRYPTO_THREAD_lock_free(lock) }

    func withLock<Result>(_ body: (inout State) -> Result) -> Result {
        // Cannot fail for a lock that this thread does not hold.
        _ = CRYPTO_THREAD_write_lock(lock)
        defer { _ = CRYPTO_THREAD_unlock(lock) }
        return body(&state)
    }
}

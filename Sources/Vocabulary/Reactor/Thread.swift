internal import CLinux
internal import Glibc

/// A thread that runs one body and is joined by its starter.
package final class Thread: @unchecked Sendable {
    private var identity = pthread_t()
    private let name: String
    private let body: @Sendable () -> Void

    /// - Parameter name: at most 15 bytes, what `top` shows.
    package init(name: String, body: @escaping @Sendable () -> Void) throws(SystemError) {
        self.name = name
        self.body = body
        let code = pthread_create(
            &identity, nil,
            { argument in
                let thread = Unmanaged<Thread>.fromOpaque(argument!).takeRetainedValue()
                linux_name_thread(thread.name)
                thread.body()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        guard code == 0 else { throw SystemError(call: "pthread_create", code: code) }
    }

    /// Waits for the body's end; once.
    package func join() { pthread_join(identity, nil) }

    /// Instead of `join`: it ends by itself, unobserved.
    package func detach() { pthread_detach(identity) }
}

/// Opened once, by one thread, for all who wait.
package final class Latch: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var isOpen = false

    package init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(condition)
        mutex.deallocate()
        condition.deallocate()
    }

    package func open() {
        pthread_mutex_lock(mutex)
        isOpen = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    package func wait() {
        pthread_mutex_lock(mutex)
        while !isOpen { pthread_cond_wait(condition, mutex) }
        pthread_mutex_unlock(mutex)
    }
}

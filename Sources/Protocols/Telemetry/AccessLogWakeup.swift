internal import CLinux
internal import Glibc
internal import Synchronization

/// How workers wake the writer thread: an eventfd, written only where the writer said that it sleeps, or on purpose.
final class AccessLogWakeup: Sendable {
    private let event: Int32
    private let idle = Atomic<Bool>(false)

    init?() {
        event = linux_eventfd()
        if event < 0 { return nil }
    }

    deinit { close(event) }

    /// From any thread. Pays one load while the writer is awake or will look again by itself.
    func wakeIfIdle() {
        if idle.load(ordering: .sequentiallyConsistent), idle.exchange(false, ordering: .sequentiallyConsistent) {
            wake()
        }
    }

    func wake() {
        var one: UInt64 = 1
        // EAGAIN would mean that the counter is full, so the writer is about to wake anyway.
        _ = write(event, &one, 8)
    }

    /// Sleeps until woken, unless `hasWork` says, after it was announced that we sleep, that there is something to do.
    func sleep(unless hasWork: () -> Bool) {
        idle.store(true, ordering: .sequentiallyConsistent)
        if !hasWork() { pause(milliseconds: -1) }
        idle.store(false, ordering: .sequentiallyConsistent)
    }

    /// Sleeps for a while or until `wake`.
    func pause(milliseconds: Int32) {
        var descriptor = pollfd(fd: event, events: Int16(POLLIN), revents: 0)
        // EINTR: a spurious wake-up does no harm.
        _ = poll(&descriptor, 1, milliseconds)
        var count: UInt64 = 0
        // EAGAIN where the time ran out.
        _ = read(event, &count, 8)
    }
}

internal import CLinux
internal import Reactor

/// Unmaps, once, the code that only starting has needed (reading configurations and keys, the runtime's own beginnings): more than half of
/// what an idle process holds. What goes on running comes back from the page cache at its next call, for some hundred faults in all.
final class CodeRelease {
    private let timer: Timer

    /// For the last of what follows the start.
    static let delay = Duration.seconds(1)

    init(on loop: EventLoop, release: @escaping () -> Void = { linux_release_code() }) {
        timer = Timer(on: loop, action: release)
        timer.arm(after: Self.delay)
    }
}

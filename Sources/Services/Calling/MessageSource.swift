internal import Glibc
internal import Reactor

/// Where a call's messages come from.
package enum MessageInput: Sendable, Equatable {
    /// JSON that is there already.
    case text([UInt8])
    /// A descriptor that is read as the call goes on.
    case descriptor(Int32)
    /// Not given: an empty message, or this descriptor for a method that takes a stream.
    case unsaid(Int32)

    func resolved(isStream: Bool) -> MessageInput {
        guard case .unsaid(let descriptor) = self else { return self }
        return isStream ? .descriptor(descriptor) : .text([])
    }
}

/// Reads a descriptor on a thread of its own, because not every one of them can be waited for by a loop (epoll(7): files
/// cannot), a chunk at a time: the next is read when the last was used.
final class MessageSource: @unchecked Sendable {
    private let descriptor: Int32
    private let mailbox: Mailbox
    private let wanted = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    /// Touched only on the loop's thread.
    private var hear: (([UInt8]) -> Void)?

    private static let chunkBytes = 64 << 10

    /// - Parameter hear: called on the loop with what was read; with nothing at the end, once.
    init(_ descriptor: Int32, on loop: EventLoop, hear: @escaping ([UInt8]) -> Void) throws(SystemError) {
        self.descriptor = descriptor
        mailbox = loop.mailbox
        self.hear = hear
        sem_init(wanted, 0, 0)
        // The thread keeps what it needs, and may wait in a read when the process ends.
        try Thread(name: "input") { [self] in readAll() }.detach()
    }

    deinit {
        sem_destroy(wanted)
        wanted.deallocate()
    }

    /// One more chunk, please.
    func want() { sem_post(wanted) }

    /// Nothing more is heard.
    func close() { hear = nil }

    private func readAll() {
        var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
        while true {
            while sem_wait(wanted) != 0 {}
            var count = read(descriptor, &chunk, chunk.count)
            while count < 0, ErrorNumber.isInterruption { count = read(descriptor, &chunk, chunk.count) }
            // An error ends the input as its end does: there is no more of it.
            let bytes = Array(chunk[..<max(0, count)])
            guard mailbox.post({ [self] _ in hear?(bytes) }), count > 0 else { return }
        }
    }
}

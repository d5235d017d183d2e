internal import Glibc
package import Reactor

/// Looks host names up.
package protocol HostResolver: AnyObject {
    /// Calls `completion` on the loop with the addresses, port 0, in the order given by the system; none where the name is
    /// unknown or nobody answers.
    func resolve(_ name: String, completion: @escaping ([SocketAddress]) -> Void)
}

/// The system's resolver (`getaddrinfo`, so /etc/hosts and nsswitch count) on a thread of its own, because it blocks.
package final class SystemResolver: HostResolver {
    private let questions: Questions
    private var waiting: [Int: ([SocketAddress]) -> Void] = [:]
    private var nextID = 0

    package init(on loop: EventLoop) throws(SystemError) {
        let questions = Questions(mailbox: loop.mailbox)
        self.questions = questions
        questions.owner = self
        // Ends with the process: a look-up cannot be interrupted.
        _ = try Thread(name: "resolver") { questions.answerAll() }
    }

    deinit { questions.close() }

    package func resolve(_ name: String, completion: @escaping ([SocketAddress]) -> Void) {
        nextID += 1
        waiting[nextID] = completion
        questions.ask(name, id: nextID)
    }

    fileprivate func answered(_ id: Int, _ addresses: [SocketAddress]) {
        waiting.removeValue(forKey: id)?(addresses)
    }

    /// Looks a name up on the calling thread, which waits: for the time before anything is served.
    package static func resolveNow(_ name: String) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ai_next
            var storage = sockaddr_storage()
            memcpy(&storage, entry.pointee.ai_addr, Int(entry.pointee.ai_addrlen))
            guard let address = SocketAddress(storage, length: entry.pointee.ai_addrlen), !found.contains(address) else {
                continue
            }
            found.append(address)
        }
        return found
    }
}

/// The questions between the loop and the thread. Answers go back as letters.
private final class Questions: @unchecked Sendable {
    private let mailbox: Mailbox
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var pending: [(id: Int, name: String)] = []
    private var isClosed = false
    /// Touched only on the loop's thread.
    weak var owner: SystemResolver?

    init(mailbox: Mailbox) {
        self.mailbox = mailbox
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(condition)
        mutex.deallocate()
        condition.deallocate()
    }

    func ask(_ name: String, id: Int) {
        pthread_mutex_lock(mutex)
        pending.append((id, name))
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    func answerAll() {
        while let question = take() {
            let addresses = SystemResolver.resolveNow(question.name)
            mailbox.post { [self] _ in owner?.answered(question.id, addresses) }
        }
    }

    private func take() -> (id: Int, name: String)? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while pending.isEmpty, !isClosed { pthread_cond_wait(condition, mutex) }
        return isClosed ? nil : pending.removeFirst()
    }
}

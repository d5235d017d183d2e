internal import Glibc
package import Net
package import Reactor

/// Looks host names up.
package protocol HostResolver: AnyObject {
    /// Calls `completion` on the loop, later, with the addresses, port 0, in the order given by the system; none where the
    /// name is unknown or no server answers. Not called once the resolver is gone.
    func resolve(_ name: String, completion: @escaping ([SocketAddress]) -> Void)
}

/// The system's resolver (`getaddrinfo`, so /etc/hosts and nsswitch count) on a thread of its own, because it blocks.
///
/// One look-up after the other; a name that is asked for again before it is answered is looked up once. The thread starts
/// with the first question and ends by itself when the resolver is gone: a look-up cannot be interrupted, so it is not joined.
package final class SystemResolver: HostResolver {
    private let questions: Questions
    private var waiting: [String: [([SocketAddress]) -> Void]] = [:]
    private var isStarted = false

    package init(on loop: EventLoop) {
        questions = Questions(mailbox: loop.mailbox)
        questions.owner = self
    }

    deinit { questions.close() }

    package func resolve(_ name: String, completion: @escaping ([SocketAddress]) -> Void) {
        waiting[name, default: []].append(completion)
        if waiting[name]?.count == 1 { questions.ask(name) }
        guard !isStarted else { return }
        let questions = questions
        do throws(SystemError) {
            try Thread(name: "resolver") { questions.answerAll() }.detach()
            isStarted = true
        } catch {
            // No thread could be started: no answer. The next question tries again.
            questions.giveUp()
        }
    }

    fileprivate func answered(_ name: String, _ addresses: [SocketAddress]) {
        for completion in waiting.removeValue(forKey: name) ?? [] { completion(addresses) }
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
    private var pending: [String] = []
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

    func ask(_ name: String) {
        locked { pending.append(name) }
        pthread_cond_signal(condition)
    }

    func close() {
        locked { isClosed = true }
        pthread_cond_signal(condition)
    }

    /// Answers what waits with nothing.
    func giveUp() {
        let names = locked {
            defer { pending = [] }
            return pending
        }
        for name in names { answer(name, []) }
    }

    func answerAll() {
        while let name = take() { answer(name, SystemResolver.resolveNow(name)) }
    }

    private func answer(_ name: String, _ addresses: [SocketAddress]) {
        mailbox.post { [self] _ in owner?.answered(name, addresses) }
    }

    private func take() -> String? {
        locked {
            while pending.isEmpty, !isClosed { pthread_cond_wait(condition, mutex) }
            return isClosed ? nil : pending.removeFirst()
        }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}

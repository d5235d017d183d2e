internal import CLinux
package import Reactor

/// The worker threads: each makes its own loop and program, and runs until it is told to stop.
///
/// `Program` is what a worker does; it is made, used and ended on its own thread, and reached from others only by
/// tasks.
package final class WorkerGroup<Program: AnyObject>: Sendable {
    private let workers: [Worker<Program>]
    private let threads: [Thread]

    /// Starts the threads and returns when all of them run.
    package init(count: Int, make: @escaping @Sendable (WorkerContext) -> Program) throws(SystemError) {
        var workers: [Worker<Program>] = []
        var threads: [Thread] = []
        for index in 0..<count {
            let worker = Worker(index: index, make: make)
            workers.append(worker)
            threads.append(try Thread(name: "worker-\(index)") { worker.run() })
        }
        self.workers = workers
        self.threads = threads
        for worker in workers { worker.started.wait() }
        for worker in workers { if let failure = worker.failure { throw failure } }
    }

    package var count: Int { workers.count }

    /// Runs `task` on one worker.
    package func post(to index: Int, _ task: @escaping @Sendable (Program) -> Void) {
        workers[index].post(task)
    }

    /// Runs `task` on every worker.
    package func postToAll(_ task: @escaping @Sendable (Program) -> Void) {
        for worker in workers { worker.post(task) }
    }

    /// Runs `task` on every worker, and returns when all have. Not from a worker, which would wait for itself.
    package func runOnAll(_ task: @escaping @Sendable (Program) -> Void) {
        let latches = workers.map { worker in
            let latch = Latch()
            worker.post { program in
                task(program)
                latch.open()
            }
            return latch
        }
        for latch in latches { latch.wait() }
    }

    /// Ends all loops and waits for their threads; once.
    package func stop() {
        for worker in workers { worker.mailbox?.post { $0.stop() } }
        for thread in threads { thread.join() }
    }
}

/// The processors that this process may run on: how many workers `auto` means.
package enum Processors {
    package static var available: Int {
        var cpus = [Int32](repeating: 0, count: 1024)
        return max(1, Int(linux_affinity(&cpus, 1024)))
    }
}

/// One thread's share. What is not the mailbox is touched by its own thread only, once it has started.
private final class Worker<Program: AnyObject>: @unchecked Sendable {
    let started = Latch()
    private(set) var mailbox: Mailbox?
    private(set) var failure: SystemError?
    private let index: Int
    private let make: @Sendable (WorkerContext) -> Program
    private var program: Program?
    /// Outlives the program.
    private var context: WorkerContext?

    init(index: Int, make: @escaping @Sendable (WorkerContext) -> Program) {
        self.index = index
        self.make = make
    }

    func run() {
        do throws(SystemError) {
            let loop = try EventLoop()
            let context = WorkerContext(index: index, loop: loop)
            self.context = context
            program = make(context)
            mailbox = loop.mailbox
            started.open()
            loop.run()
            program = nil
            self.context = nil
        } catch {
            failure = error
            started.open()
        }
    }

    func post(_ task: @escaping @Sendable (Program) -> Void) {
        mailbox?.post { _ in
            if let program = self.program { task(program) }
        }
    }
}

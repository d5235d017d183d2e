internal import Synchronization

/// How many connections each worker has, for all workers to see.
///
/// The kernel spreads connections by a hash of their addresses, so ten long-lived ones may all land on one worker: the worker that
/// accepts one looks here, and hands it to the worker with the fewest.
package final class ConnectionCounts: Sendable {
    private let counts: Counts

    private final class Counts: @unchecked Sendable {
        let cells: UnsafeMutablePointer<Atomic<Int>>
        let count: Int

        init(_ count: Int) {
            self.count = count
            cells = .allocate(capacity: count)
            for index in 0..<count { (cells + index).initialize(to: Atomic(0)) }
        }

        deinit {
            for index in 0..<count { (cells + index).deinitialize(count: 1) }
            cells.deallocate()
        }
    }

    package init(workers: Int) { counts = Counts(workers) }

    package var total: Int { (0..<counts.count).reduce(0) { $0 + counts.cells[$1].load(ordering: .relaxed) } }

    /// The worker that shall serve a connection which `own` has accepted, already counted there. Its own, unless another
    /// has fewer by more than an eighth.
    package func assign(acceptedBy own: Int) -> Int {
        let ownCount = counts.cells[own].load(ordering: .relaxed)
        var target = own
        var fewest = ownCount - ownCount / 8
        for index in 0..<counts.count where index != own {
            let count = counts.cells[index].load(ordering: .relaxed)
            if count < fewest {
                fewest = count
                target = index
            }
        }
        counts.cells[target].wrappingAdd(1, ordering: .relaxed)
        return target
    }

    package func add(to worker: Int) { counts.cells[worker].wrappingAdd(1, ordering: .relaxed) }

    package func ended(on worker: Int) { counts.cells[worker].wrappingSubtract(1, ordering: .relaxed) }
}

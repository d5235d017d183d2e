/// Fixed-size records of plain memory: the last freed is the first reused, and nothing is returned before the end.
///
/// For state that C callbacks and tables point at. Owned by one thread. `Record` is a trivial struct or cleans up after
/// itself before `free`.
package final class Slab<Record> {
    private var free: [UnsafeMutablePointer<Record>] = []
    private var blocks: [UnsafeMutablePointer<Record>] = []
    private let recordsPerBlock: Int
    private let prepare: (UnsafeMutablePointer<Record>) -> Void
    private let dispose: (UnsafeMutablePointer<Record>) -> Void
    package private(set) var liveCount = 0

    /// - Parameters:
    ///   - prepare: initializes a record's memory, once, when its block is made.
    ///   - dispose: releases what `prepare` made, when the slab ends.
    package init(
        recordsPerBlock: Int = 16,
        prepare: @escaping (UnsafeMutablePointer<Record>) -> Void,
        dispose: @escaping (UnsafeMutablePointer<Record>) -> Void
    ) {
        self.recordsPerBlock = recordsPerBlock
        self.prepare = prepare
        self.dispose = dispose
    }

    deinit {
        for block in blocks {
            for index in 0..<recordsPerBlock { dispose(block + index) }
            block.deallocate()
        }
    }

    package func take() -> UnsafeMutablePointer<Record> {
        liveCount += 1
        if let record = free.popLast() { return record }
        let block = UnsafeMutablePointer<Record>.allocate(capacity: recordsPerBlock)
        blocks.append(block)
        for index in 0..<recordsPerBlock { prepare(block + index) }
        for index in stride(from: recordsPerBlock - 1, to: 0, by: -1) { free.append(block + index) }
        return block
    }

    package func give(_ record: UnsafeMutablePointer<Record>) {
        liveCount -= 1
        free.append(record)
    }
}

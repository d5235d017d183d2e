package import Bytes
internal import Crypto
internal import HTTP1
internal import HTTP2
package import HTTPModel
package import Random
package import Reactor
package import Sockets

/// What everything on one worker's thread shares: its loop, and the memory that connections and streams are made of.
package final class WorkerContext {
    /// 0 for the first worker.
    package let index: Int
    package let loop: EventLoop
    package let scratch: ScratchBuffers
    package let chunks: ChunkPool
    package let streams: StreamPool
    /// Events of the codec that runs.
    let events = EventQueue()
    let sessionMemory: NGHTTP2Allocator
    let date = DateText()
    /// For jitter.
    package var random: RandomGenerator
    /// Called with every connection that we end because of what came on it.
    package var connectionFaulted: ((ConnectionFault) -> Void)?
    /// Has the pools give back what a burst has left in them.
    private var trimming: RepeatingTimer?
    private static let trimInterval = Duration.seconds(10)
    /// Where fields are put in order before they are handed to a codec; valid until the next use.
    package let fieldScratch: UnsafeMutableBufferPointer<Field>

    /// The most that any limit lets arrive (`limits.headers`), the most claims that are forwarded, the most header changes of a route and
    /// a method together, and what we add.
    package static let fieldScratchCount = 1000 + forwardedClaimsMax + 2 * headerChangesMax + 24
    /// Of all issuers.
    package static let forwardedClaimsMax = 1000
    /// Of one route or method.
    package static let headerChangesMax = 64

    package init(index: Int, loop: EventLoop, random: RandomGenerator = .seeded()) {
        self.index = index
        self.loop = loop
        self.random = random
        chunks = ChunkPool()
        scratch = ScratchBuffers(chunks: chunks)
        streams = StreamPool(chunks: chunks)
        sessionMemory = NGHTTP2Allocator()
        fieldScratch = .allocate(capacity: Self.fieldScratchCount)
        trimming = RepeatingTimer(every: Self.trimInterval, on: loop) { [unowned self] in
            sessionMemory.trim()
            chunks.trim()
            streams.trim()
        }
    }

    deinit { fieldScratch.deallocate() }
}

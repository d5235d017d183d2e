internal import Bytes
internal import Time

/// A command on its way through a cluster, kept until it is answered: another server may have to be asked.
final class ClusterCall {
    var bytes = ByteBuffer(capacity: 512)
    var handler: (any RedisReplyHandler)?
    var tag: UInt = 0
    var deadline = Instant.distantFuture
    var slot = ClusterSlot(of: UnsafeRawBufferPointer(start: nil, count: 0))
    /// Servers that sent it elsewhere, or asked for patience.
    var redirections = 0
    /// The server that has it.
    unowned(unsafe) var node: ClusterNode?
    /// While no server has it: when it is sent; in the distant future, once it is known where to.
    var due = Instant(nanoseconds: 0)

    /// A call that is sent on more often goes round in a circle.
    static let redirectionsMax = 16
}

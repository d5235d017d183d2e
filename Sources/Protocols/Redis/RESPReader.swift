internal import Bytes
internal import CHiredis

/// hiredis's reply reader: bytes in, replies out, nothing allocated per reply.
///
/// Owned by one thread. The replies are built by our own callbacks, in a `ReplyArena`.
package struct RESPReader: ~Copyable {
    /// Held of a reply that is not complete yet.
    package static let pendingBytesMax = 1 << 20

    private let reader: UnsafeMutablePointer<redisReader>
    private let arena = ReplyArena()

    package init() {
        guard let reader = redisReaderCreateWithFunctions(functions) else { preconditionFailure("out of memory") }
        self.reader = reader
        reader.pointee.privdata = Unmanaged.passUnretained(arena).toOpaque()
    }

    deinit { redisReaderFree(reader) }

    /// Bytes as they arrived. Take all replies out with `next` before feeding more.
    package borrowing func feed(_ bytes: UnsafeRawBufferPointer) throws(RedisFailure) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        guard reader.pointee.len - reader.pointee.pos + bytes.count <= Self.pendingBytesMax else {
            throw .malformedReply("a reply of more than \(Self.pendingBytesMax) bytes")
        }
        // Fails only where memory is out or an earlier reply was malformed.
        guard redisReaderFeed(reader, base.assumingMemoryBound(to: CChar.self), bytes.count) == REDIS_OK else {
            throw failure
        }
    }

    /// The next complete reply, valid until the next call; `nil` until more bytes come.
    package borrowing func next() throws(RedisFailure) -> RedisReply? {
        // What is there of an incomplete reply is kept; the last complete one has been read by now.
        if arena.nodeCount > 0, reader.pointee.ridx < 0 { arena.removeAll() }
        var object: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &object) == REDIS_OK else { throw failure }
        guard let object else { return nil }
        return RedisReply(arena: arena, index: Int(bitPattern: object) - 1)
    }

    private var failure: RedisFailure {
        if reader.pointee.err == REDIS_ERR_OOM {
            return .malformedReply("a reply of more than \(ReplyArena.nodesMax) elements or \(ReplyArena.textBytesMax) bytes")
        }
        let text = withUnsafeBytes(of: reader.pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return .malformedReply(text)
    }
}

/// Lives as long as the process: every reader points at it.
nonisolated(unsafe) private let functions: UnsafeMutablePointer<redisReplyObjectFunctions> = {
    let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
    functions.initialize(
        to: redisReplyObjectFunctions(
            createString: { task, text, length in
                guard let task, let text else { return nil }
                let kind: RedisReply.Kind =
                    switch task.pointee.type {
                    case REDIS_REPLY_STATUS: .status
                    case REDIS_REPLY_ERROR: .error
                    default: .string
                    }
                return build(task) { arena in
                    let start = arena.text.count
                    arena.text.append(UnsafeRawBufferPointer(start: text, count: length))
                    return ReplyArena.Node(kind: kind, textStart: start, textCount: length)
                }
            },
            createArray: { task, count in
                build(task) { _ in ReplyArena.Node(kind: .array, count: Untrusted(count)) }
            },
            createInteger: { task, value in
                build(task) { _ in ReplyArena.Node(kind: .integer, integer: Untrusted(value)) }
            },
            createNil: { task in build(task) { _ in ReplyArena.Node(kind: .null) } },
            // Nodes are not freed one by one.
            freeObject: nil))
    return functions
}()

/// The reader's "object" is a node's index and one, as null means that memory is out.
private func build(
    _ task: UnsafePointer<redisReadTask>?, _ node: (ReplyArena) -> ReplyArena.Node
) -> UnsafeMutableRawPointer? {
    guard let task, let owner = task.pointee.privdata else { return nil }
    let arena = Unmanaged<ReplyArena>.fromOpaque(owner).takeUnretainedValue()
    let parent = task.pointee.parent.map { Int(bitPattern: $0.pointee.obj) - 1 } ?? -1
    return UnsafeMutableRawPointer(bitPattern: arena.add(node(arena), parent: parent) + 1)
}

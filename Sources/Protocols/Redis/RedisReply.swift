package import Bytes

/// One reply or an element of one. Points into its reader: valid until the reader is asked for the next.
package struct RedisReply {
    package enum Kind: Equatable { case string, array, integer, null, status, error }

    unowned(unsafe) let arena: ReplyArena
    let index: Int

    package var kind: Kind { arena.nodes[index].kind }

    /// Of an integer; zero for anything else.
    package var integer: Untrusted<Int64> { arena.nodes[index].integer }

    /// Of a string, a status or an error; empty for anything else.
    package var bytes: UnsafeRawBufferPointer {
        let node = arena.nodes[index]
        return UnsafeRawBufferPointer(rebasing: arena.text.readable[node.textStart..<node.textStart + node.textCount])
    }

    /// Elements of an array, as the server announced them; zero for anything else.
    package var count: Untrusted<Int> { arena.nodes[index].count }

    package var first: RedisReply? { at(arena.nodes[index].first) }

    /// The element after this one in the same array.
    package var next: RedisReply? { at(arena.nodes[index].next) }

    private func at(_ index: Int) -> RedisReply? { index < 0 ? nil : RedisReply(arena: arena, index: index) }

    /// What was published on a channel, where the reply is that and no answer to a command: `message`, the channel, the payload.
    var publishedPayload: UnsafeRawBufferPointer? {
        guard kind == .array, let word = first, word.hasPrefix("message") else { return nil }
        return word.next?.next?.bytes
    }

    /// For errors and logs.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package func hasPrefix(_ prefix: StaticString) -> Bool {
        let bytes = bytes
        guard bytes.count >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount where bytes[index] != prefix.utf8Start[index] { return false }
        return true
    }
}

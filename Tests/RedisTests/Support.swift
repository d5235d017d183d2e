import Bytes
import Testing
import Time

@testable import Redis

let start = Instant(nanoseconds: 5_000_000_000_000)

/// Writes down what it hears.
final class Recorder: RedisReplyHandler {
    enum Event: Equatable {
        case reply(UInt, String)
        case failure(UInt, RedisFailure)
    }
    var events: [Event] = []
    var onEvent: ((UInt) -> Void)?

    func redisReplied(_ reply: RedisReply, to tag: UInt) {
        events.append(.reply(tag, describe(reply)))
        onEvent?(tag)
    }

    func redisFailed(_ failure: RedisFailure, for tag: UInt) {
        events.append(.failure(tag, failure))
        onEvent?(tag)
    }
}

func describe(_ reply: RedisReply) -> String {
    switch reply.kind {
    case .string: return "\"\(reply.text)\""
    case .status: return "+\(reply.text)"
    case .error: return "-\(reply.text)"
    case .integer: return "\(reply.integer)"
    case .null: return "null"
    case .array:
        var parts: [String] = []
        var element = reply.first
        while let present = element {
            parts.append(describe(present))
            element = present.next
        }
        return "\(reply.count)[\(parts.joined(separator: " "))]"
    }
}

func command(_ words: String...) -> RESPCommand {
    let command = RESPCommand()
    for word in words { command.add(word) }
    return command
}

func text(_ command: RESPCommand) -> String {
    var output = ByteBuffer()
    command.write(to: &output)
    return String(decoding: output.readable, as: UTF8.self)
}

func withBytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try Array(text.utf8).withUnsafeBytes { try body($0) }
}

/// A reply as a server writes it, for the length of `body`.
func withReply<Result>(_ text: String, _ body: (RedisReply) throws -> Result) throws -> Result {
    let reader = RESPReader()
    try withBytes(text) { try reader.feed($0) }
    return try body(try #require(try reader.next()))
}

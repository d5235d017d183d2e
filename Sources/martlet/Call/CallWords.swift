import ArgumentParser
import Calling
import Glibc

/// The positional arguments of `martlet call`.
struct CallWords {
    let address: String?
    let action: CallAction

    init(_ words: [String], hasDescriptors: Bool) throws {
        var words = words[...]
        let needsNone = hasDescriptors && (words.first == "list" || words.first == "describe")
        address = needsNone ? nil : words.removeFirst()
        guard let verb = words.popFirst() else {
            throw ValidationError("expected a method such as pkg.Service/Method, list or describe after the address.")
        }
        switch verb {
        case "list", "describe":
            guard words.count <= 1 else { throw ValidationError("\(verb) takes at most one name.") }
            action = verb == "list" ? .list(service: words.first) : .describe(symbol: words.first)
        default: action = .call(method: verb, input: try Self.input(Array(words)))
        }
    }

    private static func input(_ words: [String]) throws -> MessageInput {
        // The default depends on the method, which is not known yet: an empty message, or standard input.
        guard !words.isEmpty else { return .unsaid(STDIN_FILENO) }
        if words == ["-"] { return .descriptor(STDIN_FILENO) }
        var text: [UInt8] = []
        for word in words {
            guard word != "-" else { throw ValidationError("- reads all messages from standard input and must be the only one.") }
            // A single file is streamed: it may be larger than what is read at once.
            if words.count == 1, word.hasPrefix("@") { return .descriptor(try CallFiles.open(String(word.dropFirst()))) }
            text += word.hasPrefix("@") ? try CallFiles.read(String(word.dropFirst())) : Array(word.utf8)
            text.append(UInt8(ascii: "\n"))
        }
        return .text(text)
    }
}

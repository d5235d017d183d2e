internal import Bytes
package import GRPC

/// A status and its details as people read them, a line each.
package enum StatusText {
    /// - Parameter other: a detail, an encoded `google.protobuf.Any`, of a type that is none of google.rpc's: JSON, or `nil`
    ///   where the schema does not know it either.
    package static func lines(
        _ code: StatusCode, _ message: String, details: [UInt8], other: (UnsafeRawBufferPointer) -> String?
    ) -> [String] {
        let first = message.isEmpty ? "\(code.name)" : "\(code.name): \(shown(message))"
        return [first] + details.withUnsafeBytes { self.details($0, other) }.map { "  \($0)" }
    }

    private static func details(
        _ status: UnsafeRawBufferPointer, _ other: (UnsafeRawBufferPointer) -> String?
    ) -> [String] {
        var lines: [String] = []
        var reader = WireReader(status)
        while let tag = try? reader.next() {
            guard tag.number == 3, tag.type == .bytes, let detail = try? reader.bytes() else {
                guard (try? reader.skip(tag)) != nil else { return lines }
                continue
            }
            lines.append(line(of: detail, other))
        }
        return lines
    }

    private static func line(of detail: UnsafeRawBufferPointer, _ other: (UnsafeRawBufferPointer) -> String?) -> String {
        var type = ""
        var value = UnsafeRawBufferPointer(start: nil, count: 0)
        var reader = WireReader(detail)
        while let tag = try? reader.next() {
            switch (tag.number, tag.type) {
            case (1, .bytes): type = (try? reader.string()) ?? ""
            case (2, .bytes): value = (try? reader.bytes()) ?? value
            default: if (try? reader.skip(tag)) == nil { return "a malformed detail" }
            }
        }
        let name = type.split(separator: "/").last.map(String.init) ?? type
        if name.hasPrefix("google.rpc."), let shape = shapes[String(name.dropFirst(11))] {
            return "\(name.dropFirst(11)): \(words(shape, value))"
        }
        return "\(shown(name)): \(other(detail) ?? "\(value.count) bytes that the schema does not describe")"
    }

    // MARK: google.rpc

    /// What a field of google/rpc/error_details.proto holds, and the word before it.
    private indirect enum Part {
        case text(String)
        case map
        case duration(String)
        /// Messages, in whose parts words and values are joined by colons.
        case messages([UInt32: Part])
    }

    private static let shapes: [String: [UInt32: Part]] = [
        "ErrorInfo": [1: .text("reason "), 2: .text("domain "), 3: .map],
        "RetryInfo": [1: .duration("retry after ")],
        "QuotaFailure": [1: .messages([1: .text(""), 2: .text("")])],
        "BadRequest": [1: .messages([1: .text(""), 2: .text("")])],
        "PreconditionFailure": [1: .messages([1: .text(""), 2: .text(""), 3: .text("")])],
        "RequestInfo": [1: .text("request "), 2: .text("data ")],
        "ResourceInfo": [1: .text("type "), 2: .text("name "), 3: .text("owner "), 4: .text("")],
        "Help": [1: .messages([1: .text(""), 2: .text("")])],
        "LocalizedMessage": [1: .text("locale "), 2: .text("")],
        "DebugInfo": [1: .text("at "), 2: .text("")],
    ]

    private static func words(
        _ shape: [UInt32: Part], _ bytes: UnsafeRawBufferPointer, joinedBy separator: String = ", "
    ) -> String {
        var words: [String] = []
        var messages: [String] = []
        var reader = WireReader(bytes)
        while let tag = try? reader.next() {
            guard tag.type == .bytes else {
                if (try? reader.skip(tag)) == nil { break }
                continue
            }
            guard let value = try? reader.bytes() else { break }
            switch shape[tag.number] {
            case .text(let word): words.append(word + shown(String(decoding: value, as: UTF8.self)))
            case .map: words.append(Self.words([1: .text(""), 2: .text("")], value, joinedBy: "="))
            case .duration(let word): words.append(word + duration(value))
            case .messages(let shape): messages.append(Self.words(shape, value, joinedBy: ": "))
            case nil: break
            }
        }
        if !messages.isEmpty { words.append(messages.joined(separator: "; ")) }
        return words.joined(separator: separator)
    }

    /// A `google.protobuf.Duration`.
    private static func duration(_ bytes: UnsafeRawBufferPointer) -> String {
        var duration = WireDuration()
        guard (try? duration.merge(bytes)) != nil else { return "?" }
        let seconds = duration.seconds
        guard let part = duration.nanoseconds.exactly(in: 1...999_999_999) else { return "\(seconds)s" }
        var digits = String(String(1_000_000_000 + part).dropFirst())
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(seconds).\(digits)s"
    }

    /// What a server says does not steer a terminal.
    static func shown(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            if scalar.properties.generalCategory == .control {
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }
}

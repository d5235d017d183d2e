import Foundation
import Testing

@Suite("Readers of numbers from outside")
struct ReaderTests {
    /// Lines of readers that convert or calculate by themselves, by a part of the line, each with its reason.
    static let exceptions: [String: [(part: String, reason: String)]] = [
        "Sources/Foundations/Bytes/Decimal.swift": [("0x30 + rest % 10", "writes a digit")],
        "Sources/Foundations/Time/Instant.swift": [
            ("UInt64(delta)", "not negative, by the line above"), ("instant.nanoseconds - less", "not more, by the same line"),
            ("nanoseconds - earlier.nanoseconds", "not later, by the same line"), ("UInt64(max(0, seconds))", "not negative"),
            ("Int64(nanoseconds / 1_000_000_000)", "64 bits of nanoseconds are 35 bits of seconds"),
            ("static func + ", "the saturating one itself"),
        ],
        "Sources/Foundations/JSON/JSONNumbers.swift": [("Double(", "text to the nearest Double, which may be an infinity")],
        "Sources/Vocabulary/HTTPModel/AuthorityGrammar.swift": [("bytes.count - start", "a position within the bytes")],
        "Sources/Vocabulary/HTTPModel/FieldNumbers.swift": [("Int(hundreds)", "each is at most nine, by the line above")],
        "Sources/Protocols/HTTP1/MessageFraming.swift": [("UInt64(Int64.max)", "a constant")],
        "Sources/Protocols/HTTP1/BodyDecoder.swift": [
            ("input.count - offset", "a position"), ("count - offset", "a position"), ("offset + taken", "a position"),
            ("bytesLeft -= count", "not more, by the line above"), ("extensionBytesLeft", "counts of bytes that are held"),
        ],
        "Sources/Protocols/HTTP1/ResponseReader.swift": [("Int(status)", "between 100 and 599")],
        "Sources/Protocols/GRPC/HealthCheck.swift": [("UInt64(status.rawValue)", "writes")],
        "Sources/Protocols/GRPC/Framing/MessageReader.swift": [
            ("4 << 20", "a constant"), ("Int(payloadBytes)", "32 bits and five, in an Int"),
            ("buffer.count - handedOut", "counts of bytes that are held"),
        ],
        "Sources/Protocols/GRPC/Framing/BoundaryTracker.swift": [
            ("bytes.count - index", "a position"), ("Int(payloadRest)", "32 bits in an Int"),
            ("bytes.count - MessageFrame.headerBytes", "not less, two lines above"),
            ("UInt32(taken)", "not more than the rest, by the line above"), ("index + taken", "a position, at most the count"),
            ("index += ", "a position, at most the count"), ("length << 8", "four bytes put together"),
        ],
        "Sources/Protocols/GRPC/Wire/WireReader.swift": [
            ("raw", "a tag, checked to have 32 bits"), ("<< shift", "at most 63, by the line above"),
            ("position", "within the input"),
        ],
        "Sources/Vocabulary/Protobuf/Wire/WireCursor.swift": [
            ("at + bytes.count", "the end of memory"), ("end - at", "a distance within memory"), ("UInt64(at[0])", "a byte"),
            ("UInt64(UInt32.max)", "a constant"), ("&<< shift", "at most 63, by the lines around"),
            ("at += Int(length)", "not beyond the end, by the line above"), ("count: Int(length)", "the same"),
            ("inner - start", "a distance within memory"), ("UInt32(WireType", "a constant"), ("UInt8(tag & 7)", "three bits"),
        ],
        "Sources/Vocabulary/Protobuf/Descriptors/FileDescription.swift": [
            ("cursor.at - start", "a position"), ("Int(Int32.max)", "a constant"), ("Int32(0)", "a constant"),
            ("?? []) + ", "joins bytes"),
        ],
        "Sources/Policy/Transcoding/Text/NumberText.swift": [
            ("at - digits", "a distance within the text"), ("at - start", "a distance within the text"),
            ("text + count", "the end of the text"), ("1 << 53", "a constant"), ("1 << 24", "a constant"),
            ("Double(mantissa)", "an integer to the nearest Double"), ("Float(", "numbers to the nearest Float"),
            ("result *= 10", "in Double"),
        ],
        "Sources/Policy/Transcoding/Text/TimeText.swift": [
            ("text + count", "the end of the text"), ("end - at", "a distance within the text"),
        ],
        "Sources/Foundations/Matching/NumberRange.swift": [("(1 << 53)", "a constant")],
        "Sources/Foundations/Compression/Inflater.swift": [
            ("consumedBytes", "counts of bytes that were in memory"), ("writtenBytes", "counts of bytes that were in memory"),
            ("step.consumed +=", "within the input"), ("step.written +=", "within the output"), ("Int(UInt32.max)", "a constant"),
            ("UInt32(inputCount)", "at most that, by the lines above"), ("UInt32(outputCount)", "at most that, by the lines above"),
            ("inputCount - ", "zlib leaves no more than it was given"),
        ],
        "Sources/Foundations/Compression/InflateLimits.swift": [
            ("1 << 20", "a constant"), ("consumedBytes += consumed", "counts of bytes that were in memory"),
            ("writtenBytes += written", "counts of bytes that were in memory"),
        ],
        "Sources/Protocols/Config/Number.swift": [("1 << 30", "constants")],
        "Sources/Protocols/Config/NetworkAddress.swift": [("UInt16(text)", "of text; nothing where it does not fit")],
        "Sources/Policy/LimitRules/LimitScanner.swift": [
            ("word.unicodeScalars.count", "a position"), ("index - position", "a distance within the text"),
        ],
        "Sources/Protocols/Redis/RESPReader.swift": [
            ("1 << 20", "a constant"), ("reader.pointee.len - ", "counts of bytes that are held"),
        ],
        "Sources/Protocols/Redis/RedisReply.swift": [
            ("node.textStart + node.textCount", "a position in the arena")
        ],
        "Sources/Protocols/Redis/ClusterTopology.swift": [
            ("ClusterSlot.count - 1", "a constant"), ("UInt16(port)", "at most 65,535, where it is read"),
            ("Int(start)...Int(end)", "slots, each below 16,384"),
        ],
        "Sources/Protocols/Redis/Redirection.swift": [
            ("Int(words[1])", "a text, as a number or none"), ("UInt16(words[2]", "a text, as a number or none"),
        ],
        "Sources/Transport/RateLimit/ScriptAnswer.swift": [
            ("3 * counters + more || count == 5 * counters + more", "counters that were asked for")
        ],
        "Sources/Services/Calling/StatusText.swift": [
            ("[first] + ", "joins lists"), ("words.append(word + ", "joins texts"),
            ("1_000_000_000 + part", "less than that, by the line above"),
        ],
        "Sources/Protocols/Config/ServiceURL.swift": [
            ("UInt16(digits)", "of text; nothing where it does not fit"), ("UInt8(String(", "the same"),
        ],
        "Sources/Vocabulary/JOSE/TokenVerifier.swift": [
            ("(1 << 53)", "a constant"), ("policy.leewaySeconds", "at most 2^32, added to at most 2^53"),
        ],
        "Sources/Control/Control/Keys/Freshness.swift": [("1 << 31", "a constant")],
        "Sources/Policy/Routing/Head/Authority.swift": [("text.count - end", "a position")],
        "Sources/Vocabulary/Net/CIDR.swift": [
            ("lengthMax - length", "not more, by the range above"), ("UInt128(hostBitCount)", "less than 128, by the same line"),
            ("low + high", "positions within the set"),
        ],
    ]

    /// Lines of the page's list, with the files that each names and the fuzz entry behind the last dot.
    static func readers(in lines: [String]) -> [(files: [String], entry: String)] {
        var items: [String] = []
        for line in lines.drop(while: { $0 != "## Numbers from outside" }).dropFirst().prefix(while: { !$0.hasPrefix("## ") }) {
            if line.hasPrefix("- ") {
                items.append(line)
            } else if line.hasPrefix("  "), !items.isEmpty {
                items[items.count - 1] += line
            }
        }
        return items.map { item in
            let files = item.split(separator: "`").map(String.init).filter { $0.hasPrefix("Sources/") && $0.hasSuffix(".swift") }
            return (files, item.components(separatedBy: " · ").last ?? "")
        }
    }

    @Test("those listed convert and calculate only through Untrusted, but for exceptions that have a reason")
    func readersAreHeld() throws {
        let listed = Self.readers(in: try Checkout.lines("ARCHITECTURE.md")).flatMap(\.files)
        #expect(listed.count > 30)
        for (path, exceptions) in Self.exceptions {
            #expect(listed.contains(path), "\(path) is excepted, and not listed")
            #expect(
                exceptions.allSatisfy { !$0.part.isEmpty && !$0.reason.isEmpty },
                "\(path) is excepted as a whole, or without a reason")
        }
        for path in listed {
            guard let file = Checkout.files.first(where: { $0.path == path }) else {
                Issue.record("\(path) does not exist")
                continue
            }
            let exceptions = Self.exceptions[path] ?? []
            var used: Set<String> = []
            for (number, line) in file.lines.enumerated() where Self.calculates(line) {
                let fitting = exceptions.filter { line.contains($0.part) }
                used.formUnion(fitting.map(\.part))
                if fitting.isEmpty { Issue.record("\(path):\(number + 1): converts or calculates by itself: \(line)") }
            }
            for exception in exceptions where !used.contains(exception.part) {
                Issue.record("\(path): no line needs the exception \(exception.part)")
            }
        }
    }

    /// Ways to make a number of digits.
    private static let digitReaders = [
        "Decimal.read(", ">(decimal: ", "Untrusted(decimal: ", "signedDecimal: ", ">(hexadecimal: ", "(flooring: ",
        ".appending(digit: ",
    ]

    @Test("no other file reads digits")
    func othersReadNone() throws {
        let listed = Set(Self.readers(in: try Checkout.lines("ARCHITECTURE.md")).flatMap(\.files)).union([
            "Sources/Foundations/Bytes/Untrusted.swift"
        ])
        for file in Checkout.files where file.path.hasPrefix("Sources/") && !listed.contains(file.path) {
            for line in file.lines where Self.digitReaders.contains(where: { Self.code(of: line).contains($0) }) {
                Issue.record("\(file.path) reads digits, and is not listed: \(line)")
            }
        }
    }

    @Test("each has a fuzz entry of its own")
    func entriesExist() throws {
        let text = Checkout.files(of: "Tests/FuzzEntries").flatMap(\.lines)
        let readers = Self.readers(in: try Checkout.lines("ARCHITECTURE.md"))
        #expect(Set(readers.map(\.entry)).count == readers.count, "several readers share a fuzz entry")
        for reader in readers {
            #expect(
                text.contains { $0.contains("FuzzEntry(\"\(reader.entry)\"") }, "no fuzz entry \(reader.entry) for \(reader.files)")
        }
    }

    private static let types = [
        "Int", "Int8", "Int16", "Int32", "Int64", "UInt", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double",
    ]
    /// These do not trap.
    private static let labels = [
        "exactly:", "clamping:", "truncatingIfNeeded:", "bitPattern:", "bigEndian:", "littleEndian:", "ascii:",
    ]
    private static let operators = ["+", "-", "*", "<<", "+=", "-=", "*=", "<<="]

    /// Whether a line has a conversion that may trap, or an operator that may; a step of one up or down is for positions.
    static func calculates(_ line: String) -> Bool {
        let words = code(of: line).split(separator: " ")
        for (index, word) in words.enumerated() {
            if operators.contains(String(word)), index > 0, index + 1 < words.count {
                let isStep = ["+", "-", "+=", "-="].contains(word) && words[index + 1].first!.isNumber
                if !isStep { return true }
            }
            let pieces = word.split(separator: "(", omittingEmptySubsequences: false)
            for piece in pieces.indices.dropLast() {
                let name = pieces[piece].reversed().prefix { $0.isLetter || $0.isNumber }.reversed()
                if types.contains(String(name)), !labels.contains(where: { pieces[piece + 1].hasPrefix($0) }) { return true }
            }
        }
        return false
    }

    /// Without its comment and what stands in quotes.
    private static func code(of line: String) -> String {
        var result = ""
        var isQuoted = false
        for character in line {
            if character == "\"" { isQuoted.toggle() } else if !isQuoted { result.append(character) }
            if result.hasSuffix("//") { return String(result.dropLast(2)) }
        }
        return result
    }

    @Test(
        "calculations are told from what looks like them",
        arguments: [
            ("let a = Int(b)", true), ("let a = Int(exactly: b)", false), ("let a = b + c", true), ("index += 1", false),
            ("let a = b * 2", true), ("x(UInt8(ascii: \"a\"))", false), ("/// a + b", false), ("say(\"a + b\")", false),
            ("return Untrusted<Int>(b)", false), ("f(g(UInt64(a)))", true), ("a << b", true), ("case -1: c", false),
        ])
    func calculationsAreTold(line: String, calculates: Bool) { #expect(Self.calculates(line) == calculates) }
}

import Bytes
import Config
import Control
import DNS
import HTTPModel
import JSON
import Protobuf
import RateLimit
import Time

extension FuzzEntry {
    static let foundations: [FuzzEntry] = [
        FuzzEntry("digits") { input in
            let text = input.text()
            let number = withBytes(text) { Decimal.read($0) }
            _ = number?.addingSaturating(input.number()).scaled(by: input.number()).clamped(as: Int32.self)
            _ = Untrusted<Int64>(signedDecimal: text.utf8)?.adding(Int64(bitPattern: input.number()))
            _ = Untrusted<UInt64>(hexadecimal: text.utf8)?.exactly(as: Int.self)
            _ = Double(text).flatMap { Untrusted<Int64>(flooring: $0) }?.clamped(to: -1...1)
        },
        FuzzEntry("times") { input in
            let wall = WallTime(seconds: Int64(bitPattern: input.number()))
            let duration = Duration.seconds(Int64(bitPattern: input.number())) + .nanoseconds(Int64(bitPattern: input.number()))
            _ = (wall.seconds, Instant(nanoseconds: input.number()) + duration, duration.jittered(input.number()))
        },
        FuzzEntry("json") { input in
            guard let value = try? JSONValue.parse("[\(input.text()),\(input.text())]") else { return }
            for number in value.elements { _ = (number.int64, number.double, number.floor?.clamped(to: -9...9)) }
        },
        FuzzEntry("configuration") { input in
            let text = input.text()
            _ = Number.count(text)
            for unit in ["B", "KiB", "MiB", "GiB"] { _ = ByteSize.read(text + unit).map(ByteSize.text) }
            for unit in ["ms", "s", "m", "h", "d"] {
                guard let duration = DurationText.read(text + unit) else { continue }
                _ = (Instant.now() + duration, DurationText.text(duration))
            }
            _ = (Rate("\(text)/s burst \(input.text())"), NetworkAddress("127.0.0.1:\(text)"), ServiceURL("https://a:\(text)/b"))
            for unit in ["s", "min", "h", "day", "month"] {
                guard let rule = try? LimitRule.parse("\(text)/\(input.text())\(unit) burst \(input.text())") else { continue }
                _ = Limit(rule, name: "a", place: "b", counters: CounterRegistry()).windowSeconds
            }
        },
        FuzzEntry("name servers") { input in
            let settings = ResolverSettings(
                resolvConf: "options timeout:\(input.text()) attempts:\(input.text()) ndots:\(input.text())\nnameserver 10.0.0.1:\(input.text())")
            _ = settings.timeout * settings.attempts
            let (ttl, count) = (UInt32(truncatingIfNeeded: input.number()), UInt16(truncatingIfNeeded: input.number()))
            func two(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
            func four(_ number: UInt32) -> [UInt8] { two(UInt16(number >> 16)) + two(UInt16(number & 0xFFFF)) }
            let record = [1, 0x61, 0] + two(1) + two(1) + four(ttl) + two(input.index % 2 == 0 ? 4 : count) + [10, 0, 0, 1]
            let message = two(7) + two(0x8180) + two(0) + two(input.index % 2 == 0 ? 1 : count) + two(0) + two(0) + record
            guard let read = try? MessageReader.read(input.damaged(message)) else { return }
            for record in read.answers { _ = Instant.now() + .seconds(Int64(record.ttlSeconds)) }
        },
        FuzzEntry("key sets' freshness") { input in
            let field = "public, max-age=\(input.text())"
            guard let time = Freshness.read(cacheControl: [field], age: input.text()) else { return }
            _ = Instant.now() + time
        },
        FuzzEntry("process memory") { input in
            _ = withBytes("\(input.text()) \(input.text()) 3") { ProcessMemory.residentBytes(statm: $0, pageBytes: 4096) }
        },
        FuzzEntry("descriptors", inputs: 2000) { input in
            var field = ByteWriter()
            field.field(1, text: "f")
            field.field(3, input.index % 2 == 0 ? 1 : input.number())
            field.field(4, 1)
            field.field(5, input.index % 3 == 0 ? input.number() : 5)
            field.field(9, input.number())
            var message = ByteWriter()
            message.field(1, text: "M")
            message.field(2, bytes: field.bytes)
            if input.index % 2 == 0 {
                var oneof = ByteWriter()
                oneof.field(1, text: "o")
                message.field(8, bytes: oneof.bytes)
            }
            var file = ByteWriter()
            file.field(1, text: "a.proto")
            file.field(4, bytes: message.bytes)
            file.field(12, text: "proto3")
            _ = try? Schema(files: [input.damaged(file.bytes)])
        },
    ]
}

/// Writes protobuf as a peer would that is not ours.
struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func varint(_ number: UInt64) {
        var rest = number
        while rest > 127 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func field(_ number: UInt64, _ value: UInt64) {
        varint(number << 3)
        varint(value)
    }

    mutating func field(_ number: UInt64, bytes value: [UInt8]) {
        varint(number << 3 | 2)
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func field(_ number: UInt64, text: String) { field(number, bytes: Array(text.utf8)) }

    /// A length that is not that of its bytes.
    mutating func field(_ number: UInt64, length: UInt64, bytes value: [UInt8]) {
        varint(number << 3 | 2)
        varint(length)
        bytes += value
    }
}

import Bytes
import HTTPModel

@testable import HTTP1

/// What a reader says about some bytes, as text that does not depend on the pieces they came in: body pieces are joined.
enum Transcript {
    /// - Parameter pieces: the lengths in which the bytes arrive; the last repeats.
    static func requests(_ bytes: [UInt8], pieces: [Int], limits: HTTP1Limits = HTTP1Limits()) -> String {
        var reader = RequestReader(limits: limits)
        var fields = FieldBlock()
        defer { fields.destroy() }
        var input = ByteBuffer()
        var log = Log()
        var (sent, piece) = (0, 0)
        var isStarved = false
        while true {
            if isStarved {
                guard sent < bytes.count else { return log.finish() }
                let count = min(pieces[min(piece, pieces.count - 1)], bytes.count - sent)
                piece += 1
                input.append(Array(bytes[sent..<(sent + count)]))
                sent += count
            }
            do throws(HTTP1Failure) {
                let step = try reader.next(input.readable, into: &fields)
                isStarved = step.event == .needsMore
                switch step.event {
                case .needsMore: break
                case .head: log.line(describe(reader.head) + " " + list(fields, from: 0)); fields.reset()
                case .body(let range): log.body(UnsafeRawBufferPointer(rebasing: input.readable[range]))
                case .end: log.line("end " + list(fields, from: 0)); fields.reset()
                }
                input.consume(step.consumed)
            } catch {
                log.line("failed \(error)")
                return log.finish()
            }
        }
    }

    static func responses(
        _ bytes: [UInt8], to methods: [HTTPMethod], pieces: [Int], limits: HTTP1Limits = HTTP1Limits()
    ) -> String {
        var reader = ResponseReader(limits: limits)
        var fields = FieldBlock()
        defer { fields.destroy() }
        var input = ByteBuffer()
        var log = Log()
        var methods = methods
        var (sent, piece) = (0, 0)
        var isStarved = false
        while true {
            if reader.isIdle, !methods.isEmpty { reader.expect(method: methods.removeFirst()) }
            if isStarved {
                guard sent < bytes.count else { break }
                let count = min(pieces[min(piece, pieces.count - 1)], bytes.count - sent)
                piece += 1
                input.append(Array(bytes[sent..<(sent + count)]))
                sent += count
            }
            do throws(HTTP1Failure) {
                let step = try reader.next(input.readable, into: &fields)
                isStarved = step.event == .needsMore
                switch step.event {
                case .needsMore: break
                case .interim: log.line("interim \(reader.head.status) " + list(fields, from: 0)); fields.reset()
                case .head: log.line(describe(reader.head) + " " + list(fields, from: 0)); fields.reset()
                case .body(let range): log.body(UnsafeRawBufferPointer(rebasing: input.readable[range]))
                case .end: log.line("end " + list(fields, from: 0)); fields.reset()
                }
                input.consume(step.consumed)
            } catch {
                log.line("failed \(error)")
                return log.finish()
            }
        }
        do throws(HTTP1Failure) {
            log.line("closed \(try reader.connectionEnded(unconsumed: input.count))")
        } catch {
            log.line("closed \(error)")
        }
        return log.finish()
    }

    private static func describe(_ head: RequestHead) -> String {
        func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
        return "\(text(head.methodName)) \(text(head.target)) \(text(head.authority)) \(head.version) \(head.body)"
            + (head.keepsAlive ? " keep" : " close") + (head.expectsContinue ? " expects" : "")
    }

    private static func describe(_ head: ResponseHead) -> String {
        "\(head.status) \(head.version) \(head.body)" + (head.keepsAlive ? " keep" : " close")
    }

    private static func list(_ fields: FieldBlock, from start: Int) -> String {
        (start..<max(start, fields.count)).map { "\(fields[$0].nameText)=\(fields[$0].valueText)" }
            .joined(separator: "|")
    }

    private struct Log {
        private var lines: [String] = []
        private var pending: [UInt8] = []

        mutating func body(_ bytes: UnsafeRawBufferPointer) {
            precondition(!bytes.isEmpty)
            pending += bytes
        }

        mutating func line(_ text: String) {
            if !pending.isEmpty { lines.append("body \(String(decoding: pending, as: UTF8.self))") }
            pending = []
            lines.append(text)
        }

        mutating func finish() -> String {
            if !pending.isEmpty { lines.append("body \(String(decoding: pending, as: UTF8.self))") }
            return lines.joined(separator: "\n")
        }
    }
}

/// `\n` in a test's text stands for CRLF, `\u{B}` for a bare LF, so that what is odd stands out.
func wire(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case 0x0A: bytes += [0x0D, 0x0A]
        case 0x0B: bytes.append(0x0A)
        default: bytes.append(byte)
        }
    }
    return bytes
}

/// Reads the bytes whole, byte by byte, and cut in two at every place, and gives the whole reading and every other
/// that differs from it.
func readings(_ bytes: [UInt8], _ read: ([UInt8], [Int]) -> String) -> (whole: String, different: [String]) {
    let whole = read(bytes, [max(1, bytes.count)])
    var different: [String] = []
    for pieces in [[1]] + (1..<max(2, bytes.count)).map({ [$0, max(1, bytes.count)] }) {
        let other = read(bytes, pieces)
        if other != whole { different.append("\(pieces): \(other)") }
    }
    return (whole, different)
}

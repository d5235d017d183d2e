internal import Bytes
// Public, because what is inlined into other modules may name only what was imported so.
public import HTTPModel

/// What one section of an answer's fields says of how the call ended.
///
/// `grpc-status` is one field with a decimal number (gRPC over HTTP/2, "Responses"). Whatever else stands there, or stands
/// there twice and differently, is UNKNOWN to callers and never passed on: each client would read it in its own way.
@usableFromInline package struct AnswerStatus: Equatable {
    /// `nil` where nothing is said, UNKNOWN where it is malformed.
    @usableFromInline package private(set) var code: StatusCode?
    /// It is no code that gRPC has, no number, or two that differ.
    @usableFromInline package private(set) var isMalformed = false
    /// The same is said more than once.
    @usableFromInline package private(set) var isRepeated = false

    /// Reads the fields from `start` on.
    @inlinable @inline(__always)
    package init(_ fields: FieldBlock, from start: Int) { self.init(fields.section(from: start, to: fields.count)) }

    /// Reads the fields of one section.
    @inlinable @inline(__always)
    package init(_ fields: FieldList) {
        var index = 0
        while index < fields.count {
            if case .grpcStatus = fields[index].token { add(fields[index].valueBytes) }
            index += 1
        }
    }

    @usableFromInline @inline(never)
    mutating func add(_ value: UnsafeRawBufferPointer) {
        let said = StatusCode(digits: value)
        if code == nil {
            code = said ?? .unknown
            isMalformed = said == nil
        } else {
            isRepeated = true
            guard said != code || said == nil else { return }
            code = .unknown
            isMalformed = true
        }
    }

    /// Leaves one field of several that say the same.
    package static func removeRepeats(in fields: inout FieldBlock, from start: Int) {
        var isFirst = true
        fields.removeAll(from: start) {
            guard $0.token == .grpcStatus else { return false }
            defer { isFirst = false }
            return !isFirst
        }
    }

    /// What stands in malformed fields, for people: each value quoted and cut, and the message beside them.
    package static func describe(_ fields: FieldBlock, from start: Int) -> String {
        var values: [String] = []
        for index in start..<max(start, fields.count) where fields.fields[index].token == .grpcStatus && values.count < valuesMax {
            values.append(quoted(fields.fields[index].valueBytes))
        }
        let text = values.joined(separator: " and ")
        guard let field = fields.first(.grpcMessage, from: start), field.valueCount > 0 else { return text }
        return text + ", with the message " + quoted(field.valueBytes)
    }

    private static let valuesMax = 3
    private static let valueBytesMax = 48

    private static func quoted(_ value: UnsafeRawBufferPointer) -> String {
        if value.isEmpty { return "empty" }
        let kept = value.prefix(valueBytesMax).map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
        return "\"" + String(decoding: kept, as: UTF8.self) + (kept.count < value.count ? "..." : "") + "\""
    }
}

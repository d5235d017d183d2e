import Bytes
import HTTPModel

@testable import GRPC

/// The bytes of `text`, for the length of `body`.
func withBytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try Array(text.utf8).withUnsafeBytes(body)
}

extension ByteBuffer {
    var array: [UInt8] { Array(readable) }
    var text: String { String(decoding: readable, as: UTF8.self) }
}

extension StaticString {
    var text: String { String(describing: self) }
}

/// What was written into a field block and a body, as values that outlive both.
struct Written {
    var fields: [(name: String, value: String)] = []
    var body = ""

    init(_ write: (inout FieldBlock, inout ByteBuffer) -> Void) {
        var block = FieldBlock()
        var buffer = ByteBuffer()
        write(&block, &buffer)
        for index in 0..<block.count {
            fields.append((block[index].nameText, block[index].valueText))
            precondition(block[index].token == FieldToken(block[index].nameBytes), "a field has the wrong token")
        }
        body = String(decoding: buffer.readable, as: UTF8.self)
        block.destroy()
    }

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
    var names: [String] { fields.map(\.name) }
}

package import Bytes
internal import CHiredis

/// One command being put together; used again for the next. hiredis writes it down.
///
/// Arguments are bytes, so that nothing in a value can end it or begin another command.
package final class RESPCommand {
    package static let argumentsMax = 256

    private var text = ByteBuffer(capacity: 1024)
    private let starts = UnsafeMutablePointer<Int>.allocate(capacity: argumentsMax)
    private let lengths = UnsafeMutablePointer<Int>.allocate(capacity: argumentsMax)
    private let pointers = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: argumentsMax)
    package private(set) var argumentCount = 0

    package init() {}

    deinit {
        starts.deallocate()
        lengths.deallocate()
        pointers.deallocate()
    }

    package func removeAll() {
        text.removeAll()
        argumentCount = 0
    }

    package func add(_ bytes: UnsafeRawBufferPointer) {
        begin()
        text.append(bytes)
        end()
    }

    package func add(_ word: StaticString) {
        begin()
        text.append(word)
        end()
    }

    package func add(_ word: String) {
        begin()
        text.append(word)
        end()
    }

    package func add(decimal value: UInt64) {
        begin()
        text.append(decimal: value)
        end()
    }

    /// An argument that `write` appends.
    package func add(_ write: (inout ByteBuffer) -> Void) {
        begin()
        write(&text)
        end()
    }

    private func begin() {
        precondition(argumentCount < Self.argumentsMax, "more arguments than a command has room for")
        starts[argumentCount] = text.count
    }

    private func end() {
        lengths[argumentCount] = text.count - starts[argumentCount]
        argumentCount += 1
    }

    /// Appends the command in RESP. The builder keeps it, for sending again.
    package func write(to output: inout ByteBuffer) {
        precondition(argumentCount > 0)
        // The text moved while it grew; only now do its addresses hold.
        let base = text.readable.baseAddress?.assumingMemoryBound(to: CChar.self)
        for index in 0..<argumentCount { pointers[index] = base.map { $0 + starts[index] } }
        var formatted: UnsafeMutablePointer<CChar>?
        let length = lengths.withMemoryRebound(to: size_t.self, capacity: argumentCount) {
            redisFormatCommandArgv(&formatted, Int32(argumentCount), pointers, $0)
        }
        // -1 is out of memory, as is a null; the arguments cannot be wrong.
        guard length > 0, let formatted else { preconditionFailure("out of memory") }
        output.append(UnsafeRawBufferPointer(start: formatted, count: Int(length)))
        redisFreeCommand(formatted)
    }
}

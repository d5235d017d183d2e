import Bytes
import Glibc
import Reactor

/// The output that a command was run for; everything else goes to standard error.
enum StandardOutput {
    static func write(_ text: borrowing ByteBuffer) { write(text.readable) }

    static func write(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, ErrorNumber.isInterruption { continue }
            // The reader has closed the pipe.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

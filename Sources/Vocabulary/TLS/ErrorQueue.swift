internal import COpenSSL

/// OpenSSL's error queue of this thread: cleared before a call whose failure matters, emptied after a failure.
enum ErrorQueue {
    struct Entry {
        var library: Int32
        var reason: Int32
        var text: String
    }

    static func clear() { ERR_clear_error() }

    /// The first error, which is the cause; those behind it only tell how it came up. The queue is empty afterwards.
    static func drain() -> Entry? {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0 else { return nil }
        let text = ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
        return Entry(library: shim_error_library(code), reason: shim_error_reason(code), text: text)
    }

    static func drainedText() -> String { drain()?.text ?? "unknown reason" }
}

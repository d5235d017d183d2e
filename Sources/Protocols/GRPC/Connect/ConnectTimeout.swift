internal import Bytes

/// How long a Connect caller is willing to wait: the value of `connect-timeout-ms`.
package enum ConnectTimeout {
    /// One to ten digits of milliseconds (Connect, "Timeouts"); `nil` for anything else.
    package static func read(_ text: UnsafeRawBufferPointer) -> Duration? {
        guard (1...10).contains(text.count), let milliseconds = Decimal.read(text) else { return nil }
        return .milliseconds(milliseconds.clamped(as: Int64.self))
    }
}

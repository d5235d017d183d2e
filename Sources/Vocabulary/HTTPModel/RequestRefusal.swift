/// Why a request was not begun.
package enum RequestRefusal: Error, Equatable {
    /// The connection takes no more.
    case noStream
    /// The peer has announced that it accepts less (SETTINGS_MAX_HEADER_LIST_SIZE, RFC 9113, section 6.5.2), and would not serve it; some
    /// end the connection.
    case headTooLarge(bytes: Int, bytesMax: Int)
}

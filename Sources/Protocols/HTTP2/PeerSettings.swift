internal import Bytes
internal import CNghttp2

/// The peer's SETTINGS that are numbers; nghttp2 applies windows and frame sizes itself.
enum PeerSettings {
    /// The most streams the peer allows us at once.
    static func streamLimit(of handle: OpaquePointer) -> Int {
        Untrusted(nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)).clamped(to: 0 ... .max)
    }

    /// The largest section that the peer accepts; `.max` where it has not announced one.
    static func fieldListBytesMax(of handle: OpaquePointer) -> Int {
        let bytes = Untrusted<Int>(nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE))
        // The highest is nghttp2's default, for no limit; zero would allow no message at all, and is not taken for a limit either.
        return bytes.exactly(in: 1...0xFFFF_FFFE) ?? .max
    }
}

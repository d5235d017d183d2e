internal import Bytes
internal import CNghttp2

/// What the peer's SETTINGS say of numbers; nghttp2 keeps windows and frame sizes to itself.
extension Session {
    /// The most streams the peer allows us at once.
    package var peerStreamLimit: Int {
        Untrusted(nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)).clamped(to: 0 ... .max)
    }

    /// The peer's settings are in force.
    func takePeerSettings() {
        let bytes = Untrusted<Int>(nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE))
        // The highest is what nghttp2 has for "not said", and none at all would be no HTTP: a peer that says so has nothing to say of it.
        peerFieldListBytesMax = bytes.exactly(in: 1...0xFFFF_FFFE) ?? .max
    }
}

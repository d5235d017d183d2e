internal import Bytes
internal import CLinux
internal import Net

extension ByteChannel {
    /// Who has connected by a Unix socket, as the kernel knows (SO_PEERCRED); `nil` by any other.
    package var peerUserID: UInt32? {
        guard case .unix = peer else { return nil }
        return Untrusted<Int64>(linux_peer_user(descriptor)).exactly(in: 0...Int64(UInt32.max)).map {
            UInt32(truncatingIfNeeded: $0)
        }
    }
}

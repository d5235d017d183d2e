internal import Bytes
internal import Glibc
internal import Reactor

extension GatherBuffer {
    /// UIO_MAXIOV of Linux.
    private static var vectorsMax: Int { 1024 }

    /// One write of all of it. Pieces beyond what the system takes at once wait like other bytes the socket does not take.
    func write(to descriptor: Int32) -> IOResult {
        if isContiguous { return System.write(descriptor, bytes.readable) }
        return withUnsafeTemporaryAllocation(of: iovec.self, capacity: pieceLimit) { vectors in
            var used = 0
            forEachPiece { piece in
                vectors.initializeElement(
                    at: used, to: iovec(iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress), iov_len: piece.count))
                used += 1
            }
            var message = msghdr()
            message.msg_iov = vectors.baseAddress
            message.msg_iovlen = min(used, Self.vectorsMax)
            while true {
                let count = sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
                if count >= 0 { return .done(count) }
                if let outcome = System.interpret() { return outcome }
            }
        }
    }
}

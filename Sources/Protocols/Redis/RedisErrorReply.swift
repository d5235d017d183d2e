/// What an error reply says of the connection that it came on, by its code (the first word, as `READONLY`).
///
///     code                                            the connection
///     READONLY MASTERDOWN NOAUTH DENIED,              is closed at once and made again after a pause: the name may stand
///     "max number of clients", "unauthenticated …"    for another server by now, or the server for another role
///     LOADING BUSY UNKILLABLE NOREPLICAS              stays, because it passes; closed where nothing else has come for
///     CLUSTERDOWN TRYAGAIN MOVED ASK                  `lastingMax`, because a failover may have left this server behind; but
///                                                     the last four are a cluster's own answers where it is known to be one
///     any other: NOPERM CROSSSLOT OOM MISCONF ERR …   stays: another would answer the same
///
/// Whichever it is, the command failed and its owner hears of it.
package enum RedisErrorReply: Equatable {
    case reconnect
    case passing
    case answer

    /// How long a connection is kept on which nothing but passing errors comes.
    package static let lastingMax: Int64 = 2_000_000_000

    init(_ reply: RedisReply, isClusterNode: Bool = false) {
        let words = Self.ofScript(reply.bytes)
        let code = words.prefix { $0 != UInt8(ascii: " ") }
        func isAny(_ codes: [StaticString]) -> Bool {
            codes.contains { word in
                code.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
            }
        }
        if isAny(["READONLY", "MASTERDOWN", "NOAUTH", "DENIED"]) || reply.hasPrefix("ERR max number of clients")
            || reply.hasPrefix("ERR Protocol error: unauthenticated")
        {
            self = .reconnect
        } else if isAny(["LOADING", "BUSY", "UNKILLABLE", "NOREPLICAS"]) {
            self = .passing
        } else if isAny(["CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK"]) {
            self = isClusterNode ? .answer : .passing
        } else {
            self = .answer
        }
    }

    /// Up to version 6 the error of a script's command stands behind a description of the script:
    /// `ERR Error running script (call to f_…): @user_script:9: @user_script: 9: -READONLY You can't …`.
    private static func ofScript(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let beginning: StaticString = "ERR Error running script"
        guard bytes.starts(with: UnsafeBufferPointer(start: beginning.utf8Start, count: beginning.utf8CodeUnitCount)),
            bytes.count > beginning.utf8CodeUnitCount + 4
        else { return bytes }
        for index in beginning.utf8CodeUnitCount..<bytes.count - 3
        where bytes[index] == UInt8(ascii: ":") && bytes[index + 1] == UInt8(ascii: " ") && bytes[index + 2] == UInt8(ascii: "-") {
            return UnsafeRawBufferPointer(rebasing: bytes[(index + 3)...])
        }
        return bytes
    }
}

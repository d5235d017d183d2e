/// What is spoken inside TLS, as ALPN names it (RFC 7301, section 6).
package enum ApplicationProtocol: Sendable, Hashable, CaseIterable {
    case http2
    case http1

    package var name: StaticString {
        switch self {
        case .http2: "h2"
        case .http1: "http/1.1"
        }
    }

    init?(wire: UnsafeRawBufferPointer) {
        for known in Self.allCases where wire.elementsEqual(known.nameBytes) {
            self = known
            return
        }
        return nil
    }

    var nameBytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
    }

    /// A ProtocolNameList's entries: each name behind its length (RFC 7301, section 3.1).
    static func wireList(_ protocols: [ApplicationProtocol]) -> [UInt8] {
        protocols.flatMap { [UInt8($0.nameBytes.count)] + $0.nameBytes }
    }
}

extension [ApplicationProtocol] {
    /// Whether a peer that selects or offers nothing is turned away.
    ///
    /// HTTP/2 over TLS needs ALPN (RFC 9113, section 3.2); a peer without it speaks HTTP/1.1. With an empty list ALPN
    /// plays no part (Redis).
    var demandsAgreement: Bool { !isEmpty && !contains(.http1) }
}

/// The protocol versions we speak (RFC 8446, section 4.2.1).
package enum ProtocolVersion: Int32, Sendable, Comparable {
    case tls12 = 0x0303
    case tls13 = 0x0304

    /// As logs say it.
    package var text: StaticString { self == .tls12 ? "TLSv1.2" : "TLSv1.3" }

    package static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool { left.rawValue < right.rawValue }
}

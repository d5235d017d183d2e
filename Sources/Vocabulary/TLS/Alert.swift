internal import COpenSSL

/// An alert's description number (RFC 8446, section 6).
package struct Alert: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let badCertificate = Alert(rawValue: 42)
    package static let unknownCA = Alert(rawValue: 48)
    package static let protocolVersion = Alert(rawValue: 70)
    package static let internalError = Alert(rawValue: 80)
    package static let noRenegotiation = Alert(rawValue: 100)
    package static let certificateRequired = Alert(rawValue: 116)
    package static let noApplicationProtocol = Alert(rawValue: 120)

    package var description: String {
        guard let text = SSL_alert_desc_string_long(Int32(rawValue)) else { return "alert \(rawValue)" }
        let known = String(cString: text)
        // OpenSSL 3.0 has no text for 116.
        if known == "unknown" { return self == .certificateRequired ? "certificate required" : "alert \(rawValue)" }
        return known
    }
}

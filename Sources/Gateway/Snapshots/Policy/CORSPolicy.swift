package import Bytes
package import GatewayModel
package import HTTPModel

/// Which pages of which origins a browser lets call a route, and what it lets them see (Fetch, "HTTP-CORS protocol").
///
/// What gRPC-Web and Connect need is always allowed and exposed. Made ready once: answering is comparing and copying.
package final class CORSPolicy: Sendable {
    private let origins: [CORSConfiguration.Origin]
    package let allowsCredentials: Bool
    package let methods: [UInt8]
    package let headers: [UInt8]
    package let exposed: [UInt8]
    package let maxAge: [UInt8]

    private static let protocolHeaders = [
        "content-type", "content-encoding", "authorization", "accept", "x-grpc-web", "x-user-agent", "grpc-timeout",
        "grpc-encoding",
        "grpc-accept-encoding", "connect-protocol-version", "connect-timeout-ms", "connect-content-encoding",
        "connect-accept-encoding",
    ]
    private static let protocolExposed = [
        "grpc-status", "grpc-message", "grpc-status-details-bin", "grpc-encoding", "grpc-accept-encoding",
        "content-encoding", "connect-content-encoding", "connect-accept-encoding", "x-request-id", "retry-after",
        "www-authenticate", "ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset",
    ]

    package init(_ configuration: CORSConfiguration) {
        func list(_ parts: [String]) -> [UInt8] { Array(parts.joined(separator: ", ").utf8) }
        origins = configuration.origins
        allowsCredentials = configuration.credentials
        methods = list(configuration.methods)
        headers = list(Self.protocolHeaders + configuration.headers.filter { !Self.protocolHeaders.contains($0) })
        exposed = list(Self.protocolExposed + configuration.exposed.filter { !Self.protocolExposed.contains($0) })
        maxAge = Array("\(configuration.maxAge.components.seconds)".utf8)
    }

    /// Byte by byte, as browsers send origins: in lower case and without a default port.
    package func allows(_ origin: BorrowedBytes) -> Bool {
        origins.contains { allowed in
            switch allowed {
            case .any: true
            case .exactly(let text): origin.elementsEqual(text.utf8)
            case .below(let scheme, let domain):
                // At least one label stands before the dot that `domain` begins with.
                origin.count > scheme.utf8.count + domain.utf8.count && origin.starts(with: scheme.utf8)
                    && origin.suffix(domain.utf8.count).elementsEqual(domain.utf8)
                    && !origin.dropFirst(scheme.utf8.count).contains(UInt8(ascii: "/"))
            }
        }
    }
}

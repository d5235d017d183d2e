package import Bytes
package import GatewayModel
package import HTTPModel
package import Matching

/// Which pages of which origins a browser lets call a route, and what it lets them see (Fetch, "HTTP-CORS protocol").
///
/// What gRPC-Web and Connect need is always allowed and exposed. Made ready once: answering is comparing and copying.
package final class CORSPolicy: Sendable {
    private let origins: ValueMatcher
    private let takesNull: Bool
    package let allowsCredentials: Bool
    package let allowsPrivateNetwork: Bool
    /// Pages may send whatever headers they ask for.
    package let allowsAnyHeader: Bool
    /// For `martlet check --pipeline`.
    package let explanation: String
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

    /// - Parameter files: what the files hold that list origins, by their paths.
    package init(_ configuration: CORSConfiguration, files: [String: ValueList]) {
        func list(_ parts: [String]) -> [UInt8] { Array(parts.joined(separator: ", ").utf8) }
        var named: [String] = []
        if case .named(let headers) = configuration.headers { named = headers }
        origins = ValueMatcher(configuration.origins, files: files)
        takesNull = configuration.takesNull
        explanation = configuration.explanation
        allowsCredentials = configuration.credentials != .refused
        allowsPrivateNetwork = configuration.allowsPrivateNetwork
        allowsAnyHeader = configuration.headers == .any
        methods = list(configuration.methods)
        headers = list(Self.protocolHeaders + named.filter { !Self.protocolHeaders.contains($0) })
        exposed = list(Self.protocolExposed + configuration.exposed.filter { !Self.protocolExposed.contains($0) })
        maxAge = Array("\(configuration.maxAge.components.seconds)".utf8)
    }

    /// Byte by byte, as browsers send origins: in lower case and without a default port.
    package func allows(_ origin: BorrowedBytes) -> Bool { origin.equals("null") ? takesNull : origins.tests.matches(origin) }
}

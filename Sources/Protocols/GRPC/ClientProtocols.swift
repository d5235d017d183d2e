/// Some of the protocols that callers speak, as configurations name them.
package struct ClientProtocols: Hashable, Sendable {
    /// A bit for each `ClientProtocol`.
    private var bits: UInt8

    package enum Name: String, CaseIterable, Sendable {
        case grpc
        case grpcWeb = "grpc-web"
        case connect
        /// All other HTTP: JSON by a schema, and whatever passes as it is.
        case rest
    }

    package static let all = ClientProtocols(Name.allCases)

    package init(_ names: some Sequence<Name>) {
        bits = 0
        for name in names {
            let members: [ClientProtocol] =
                switch name {
                case .grpc: [.grpc]
                case .grpcWeb: [.grpcWeb, .grpcWebText]
                case .connect: [.connectUnary, .connectStream, .connectJSONStream]
                case .rest: [.http]
                }
            for member in members { bits |= 1 << member.rawValue }
        }
    }

    @inline(__always)
    package func contains(_ caller: ClientProtocol) -> Bool { bits >> caller.rawValue & 1 != 0 }
}

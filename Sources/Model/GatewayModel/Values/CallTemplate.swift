package import JOSE

/// A text with variables of the call in it: `%{name}`, or `%{name|text}` for a text where the call has no such thing; `%%` is a percent
/// sign. The vocabulary is `CallVariable`'s.
package struct CallTemplate: Hashable, Sendable {
    package enum Part: Hashable, Sendable {
        case text([UInt8])
        case variable(CallVariable, otherwise: [UInt8]?)
    }

    package let parts: [Part]

    package init(parts: [Part]) { self.parts = parts }

    /// The whole of it, where it has no variable.
    package var constant: [UInt8]? {
        var bytes: [UInt8] = []
        for part in parts {
            guard case .text(let text) = part else { return nil }
            bytes += text
        }
        return bytes
    }

    package var variables: [CallVariable] {
        parts.compactMap { part in
            guard case .variable(let variable, _) = part else { return nil }
            return variable
        }
    }
}

/// What a call has a value of, by one name for headers, redirects and, later, logs, spans and limits.
package enum CallVariable: Hashable, Sendable {
    case requestID, requestMethod, requestPath, requestAuthority, requestScheme
    /// The first field of that name, in lower case.
    case requestHeader([UInt8])
    /// The first parameter of that name, decoded.
    case requestQuery([UInt8])
    case clientAddress, clientCertificateURI, clientCertificateSubject
    case identitySubject, identityTenant, identityPlan, identityIssuer
    case claim(ClaimPath)
    case route, rpcService, rpcMethod
    /// The cluster is known once traffic was split, the endpoint and what follows with an answer.
    case cluster, endpoint
    case responseStatus, responseGRPCStatus
    case responseHeader([UInt8])

    /// Known only when there is an answer.
    package var isOfAnswer: Bool {
        switch self {
        case .endpoint, .responseStatus, .responseGRPCStatus, .responseHeader: true
        default: false
        }
    }

    /// Nobody but the gateway, its configuration or who vouches for the caller decides what it says: not what the caller wrote.
    package var isTrusted: Bool {
        switch self {
        case .requestID, .clientAddress, .clientCertificateURI, .clientCertificateSubject, .identitySubject, .identityTenant,
            .identityPlan, .identityIssuer, .claim, .route, .cluster, .endpoint, .requestScheme:
            true
        case .requestMethod, .requestPath, .requestAuthority, .requestHeader, .requestQuery, .rpcService, .rpcMethod,
            .responseStatus,
            .responseGRPCStatus, .responseHeader:
            false
        }
    }
}

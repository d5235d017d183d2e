internal import Bridging
internal import Bytes
internal import GRPC
internal import Routing

/// A stage of a request. The set is closed, so a chain is a list of numbers and a call is a switch.
package enum Filter: UInt8, Sendable {
    case rateLimitUnauthenticated
    /// Is the caller's protocol one of those spoken here?
    case checkProtocol
    case authenticate
    case authorize
    /// Can it be served at all? Asked before it is counted.
    case checkServable
    case rateLimit
    case trafficPolicy
    case route
    /// Answers with the list of methods; no upstream is called.
    case openAPIDocument, openAPIPage
}

/// What a filter says of a call.
enum FilterVerdict {
    /// On to the next.
    case proceed
    /// An answer from elsewhere decides; `resume` is called with it, or the call ends before.
    case suspended
    /// The call has been answered.
    case replied
}

extension GatewayWorker {
    /// Why a call that may be made cannot be: it does not speak gRPC where only gRPC is served, or the other way round.
    private func unservable(_ call: Record<Call>) -> RefusalCause? {
        if call.route!({ $0.leadsToHTTP1 }) {
            if call.clientProtocol == .grpc { return .clusterSpeaksHTTP1 }
            // HTTP/2 lets through what has no place in a request line.
            let isPlain = call.facts?.target.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }
            return isPlain == true ? nil : .badPath
        }
        guard !call.isRPC else { return nil }
        if call.route!.hasSchema {
            let isKnown = call.route! { $0.transcoding != nil }
            return isKnown ? .noMethod : .schemaUnknown(retryAfter: .seconds(1))
        }
        let isPost = call.facts?.method.equals("POST") ?? false
        return isPost ? .unsupportedContentType : .methodNotAllowed(allow: "POST")
    }

    /// Takes a call through the filters that are left to it.
    func runFilters(_ call: Record<Call>) {
        let policy = call.policy!
        call.phase = .filtering
        while true {
            let filter = policy { $0.filters[Int(call.filterIndex)] }
            call.filterIndex += 1
            let verdict: FilterVerdict
            switch filter {
            case .rateLimitUnauthenticated: verdict = rateLimitUnauthenticated(call)
            case .checkProtocol:
                let caller = call.clientProtocol
                guard policy({ $0.allowedProtocols.contains(caller) }) else {
                    return refuse(call, .notSpoken(call))
                }
                continue
            case .authenticate: verdict = authenticator.check(call, worker: self)
            case .authorize: verdict = authorize(call)
            case .checkServable:
                if let cause = unservable(call) { return refuse(call, cause) }
                continue
            case .rateLimit: verdict = limit(call)
            case .trafficPolicy:
                if let cause = call.bridge?.refusal { return refuse(call, cause) }
                verdict = shape(call)
            case .route:
                if let cause = call.bridge?.refusal { return refuse(call, cause) }
                upstream.start(call)
                return
            case .openAPIDocument: return answerPage(call, .document)
            case .openAPIPage: return answerPage(call, .page)
            }
            switch verdict {
            case .proceed: continue
            case .suspended:
                call.phase = .suspended
                return
            case .replied: return
            }
        }
    }
}

extension RefusalCause {
    /// What the caller speaks is not spoken where it calls: to a plain question, which names no type, there is nothing there.
    static func notSpoken(_ call: Record<Call>) -> RefusalCause {
        call.clientProtocol == .http && call.facts?.contentType == nil ? .noRoute : .unsupportedContentType
    }
}

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

/// What a filter says of an exchange.
enum FilterVerdict {
    /// On to the next.
    case proceed
    /// An answer from elsewhere decides; `resume` is called with it, or the exchange ends before.
    case suspended
    /// The exchange has been answered.
    case replied
}

extension GatewayWorker {
    /// Why a call that may be made cannot be: it does not speak gRPC where only gRPC is served, or the other way round.
    private func unservable(_ exchange: ExchangePointer) -> RefusalCause? {
        if exchange.pointee.route!._withUnsafeGuaranteedRef({ $0.leadsToHTTP1 }) {
            if exchange.pointee.clientProtocol == .grpc { return .clusterSpeaksHTTP1 }
            // HTTP/2 lets through what has no place in a request line.
            let isPlain = exchange.pointee.facts?.target.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }
            return isPlain == true ? nil : .badPath
        }
        guard !exchange.pointee.isRPC else { return nil }
        if exchange.pointee.route!._withUnsafeGuaranteedRef({ $0.hasSchema }) {
            let isKnown = exchange.pointee.route!._withUnsafeGuaranteedRef { $0.transcoding != nil }
            return isKnown ? .noMethod : .schemaUnknown(retryAfter: .seconds(1))
        }
        let isPost = exchange.pointee.facts?.method.equals("POST") ?? false
        return isPost ? .unsupportedContentType : .methodNotAllowed(allow: "POST")
    }

    /// Takes an exchange through the filters that are left to it.
    func runFilters(_ exchange: ExchangePointer) {
        let policy = exchange.pointee.policy!
        exchange.pointee.phase = .filtering
        while true {
            let filter = policy._withUnsafeGuaranteedRef { $0.filters[Int(exchange.pointee.filterIndex)] }
            exchange.pointee.filterIndex += 1
            let verdict: FilterVerdict
            switch filter {
            case .rateLimitUnauthenticated: verdict = rateLimitUnauthenticated(exchange)
            case .checkProtocol:
                let caller = exchange.pointee.clientProtocol
                guard policy._withUnsafeGuaranteedRef({ $0.allowedProtocols.contains(caller) }) else {
                    return refuse(exchange, .notSpoken(exchange))
                }
                continue
            case .authenticate: verdict = authenticator.check(exchange, worker: self)
            case .authorize: verdict = authorize(exchange)
            case .checkServable:
                if let cause = unservable(exchange) { return refuse(exchange, cause) }
                continue
            case .rateLimit: verdict = limit(exchange)
            case .trafficPolicy:
                if let cause = exchange.pointee.bridge?.refusal { return refuse(exchange, cause) }
                verdict = shape(exchange)
            case .route:
                if let cause = exchange.pointee.bridge?.refusal { return refuse(exchange, cause) }
                upstream.start(exchange)
                return
            case .openAPIDocument: return answerPage(exchange, .document)
            case .openAPIPage: return answerPage(exchange, .page)
            }
            switch verdict {
            case .proceed: continue
            case .suspended:
                exchange.pointee.phase = .suspended
                return
            case .replied: return
            }
        }
    }
}

extension RefusalCause {
    /// What the caller speaks is not spoken where it calls: to a plain question, which names no type, there is nothing there.
    static func notSpoken(_ exchange: ExchangePointer) -> RefusalCause {
        exchange.pointee.clientProtocol == .http && exchange.pointee.facts?.contentType == nil ? .noRoute : .unsupportedContentType
    }
}

internal import HTTPModel
internal import Net
internal import Reactor
internal import Sockets
internal import TLS
internal import Transport

/// Asks one endpoint for its schema, on a connection of its own.
///
/// Calls `completion` once, never within `init`; not at all once it is cancelled.
final class ReflectionAttempt: ClientConnectionOwner {
    private let settings: ReflectionFetch.Settings
    private unowned(unsafe) let context: WorkerContext
    private var completion: ((Result<ReflectionFetch.Answer, Failure>) -> Void)?
    private var connection: ClientConnection?
    private var fetch: ReflectionFetch?
    private var limit: Timer?

    struct Failure: Error { let text: String }

    init(
        _ place: EndpointPlace, tls: (context: ClientContext, name: ServerName)?, timeLimit: Duration, context: WorkerContext,
        completion: @escaping (Result<ReflectionFetch.Answer, Failure>) -> Void
    ) {
        self.context = context
        self.completion = completion
        var authority = place.address.description
        if case .unix = place.address { authority = "localhost" }
        var settings = ReflectionFetch.Settings(authority: authority, isSecure: tls != nil)
        settings.timeLimit = timeLimit
        self.settings = settings
        limit = Timer(on: context.loop) { [unowned self] in end("no answer within \(timeLimit)") }
        do throws(SystemError) {
            connection = try ClientConnection(
                to: place.address, tls: tls, limits: .defaults, streamLimit: 4, context: context, owner: self)
            limit?.arm(after: timeLimit)
        } catch {
            limit?.arm(after: .zero)
        }
    }

    func cancel() {
        completion = nil
        limit = nil
        fetch?.cancel()
        fetch = nil
        guard let connection else { return }
        self.connection = nil
        connection.owner = nil
        context.loop.retire(self)
        connection.channel.abort()
    }

    private func end(_ text: String) { end(.failure(Failure(text: text))) }

    private func end(_ result: Result<ReflectionFetch.Answer, Failure>) {
        guard let completion else { return }
        cancel()
        completion(result)
    }

    // MARK: ClientConnectionOwner

    func clientConnectionOpened(_ connection: ClientConnection) {
        fetch = ReflectionFetch(on: connection, settings) { [unowned self] result in
            end(result.mapError { Failure(text: $0.description) })
        }
    }

    func clientConnectionHasRoom(_ connection: ClientConnection) {}

    func clientConnectionDraining(_ connection: ClientConnection) {
        if fetch == nil { end("it takes no calls") }
    }

    func clientConnectionClosed(_ connection: ClientConnection, _ reason: ChannelEnd) {
        // A running fetch has been notified, and has ended this.
        switch reason {
        case .unreachable(let code), .broken(let code): end(ErrorNumber.text(code))
        case .security(let text): end(text)
        case .peer: end("the connection was closed: it may not speak gRPC\(settings.isSecure ? "" : " without TLS")")
        case .local: end("it does not speak HTTP/2")
        }
    }
}

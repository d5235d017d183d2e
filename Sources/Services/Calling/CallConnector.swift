internal import Glibc
internal import HTTPModel
internal import Net
internal import Reactor
internal import Sockets
internal import Transport

/// Makes one connection, to the first address of several that takes it.
///
/// Calls `completion` once, later; afterwards only `lost`, where the connection ends.
final class CallConnector: ClientConnectionOwner {
    enum Failure: Error {
        case failed(String)
    }

    private let target: CallTarget
    private let context: WorkerContext
    private var completion: ((Result<ClientConnection, Failure>) -> Void)?
    private var rest: ArraySlice<SocketAddress>
    private var connection: ClientConnection?
    private var limit: Timer?

    /// All addresses together.
    static let timeLimit = Duration.seconds(10)

    init(
        _ target: CallTarget, context: WorkerContext, completion: @escaping (Result<ClientConnection, Failure>) -> Void
    ) {
        self.target = target
        self.context = context
        self.completion = completion
        rest = target.addresses[...]
    }

    func start() {
        limit = Timer(on: context.loop) { [unowned self] in end(.failure(.failed("no answer within \(Self.timeLimit)"))) }
        limit?.arm(after: Self.timeLimit)
        next("the name has no address")
    }

    /// - Parameter reason: what became of the one before.
    private func next(_ reason: String) {
        guard completion != nil else { return }
        guard let address = rest.popFirst() else { return end(.failure(.failed(reason))) }
        do {
            connection = try ClientConnection(
                to: address, tls: target.tls, limits: .defaults, streamLimit: 100, context: context, owner: self)
        } catch {
            next(ErrorNumber.text(error.code))
        }
    }

    private func end(_ result: Result<ClientConnection, Failure>) {
        guard let completion else { return }
        self.completion = nil
        limit = nil
        completion(result)
    }

    /// Closes the connection in order; it is told to those who wait for its end.
    func close() { connection?.retire() }

    // MARK: ClientConnectionOwner

    func clientConnectionOpened(_ connection: ClientConnection) { end(.success(connection)) }

    func clientConnectionHasRoom(_ connection: ClientConnection) {}

    func clientConnectionDraining(_ connection: ClientConnection) {
        if completion != nil { next("the server takes no calls") }
    }

    func clientConnectionClosed(_ connection: ClientConnection, _ end: ChannelEnd) {
        guard completion != nil, connection === self.connection else { return }
        switch end {
        case .unreachable(let code), .broken(let code): next(ErrorNumber.text(code))
        case .security(let text): next(text)
        case .peer: next("the server closed the connection; is it \(target.isSecure ? "gRPC" : "gRPC without TLS")?")
        case .local: next("it does not speak HTTP/2")
        }
    }
}

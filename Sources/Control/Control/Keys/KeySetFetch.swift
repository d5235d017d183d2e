internal import Bytes
internal import Gateway
internal import Glibc
internal import Net
internal import Reactor
internal import Sockets
internal import TLS
internal import Time
internal import Transport
internal import Upstreams

/// One attempt to fetch a key set: names, connections, redirects, and one time limit for all of it.
///
/// Runs on the control loop. Ends by calling `completion` once, or by `cancel`, after which it makes no call.
final class KeySetFetch: ByteChannelDelegate {
    typealias Document = (body: [UInt8], freshFor: Duration?)

    static let timeLimit = Duration.seconds(5)
    /// An address that does not even answer gives way to the next one after this.
    static let connectLimit = Duration.milliseconds(1500)
    static let redirectsMax = 3

    private let context: WorkerContext
    private let tls: ClientContext
    private let resolver: any HostResolver
    private let completion: (Result<Document, FetchFailure>) -> Void
    private var location: KeySetLocation
    private var redirects = 0
    private var addresses: [SocketAddress] = []
    private var channel: ByteChannel?
    private var exchange: KeySetExchange?
    private var isRequested = false
    private var isOver = false
    private var deadline: Timer?
    private var connecting: Timer?

    init(
        _ location: KeySetLocation, tls: ClientContext, context: WorkerContext, resolver: any HostResolver,
        completion: @escaping (Result<Document, FetchFailure>) -> Void
    ) {
        self.location = location
        self.tls = tls
        self.context = context
        self.resolver = resolver
        self.completion = completion
    }

    func start() {
        deadline = Timer(on: context.loop) { [unowned self] in end(.failure(.timedOut)) }
        deadline?.arm(after: Self.timeLimit)
        find()
    }

    func cancel() {
        isOver = true
        deadline = nil
        drop()
    }

    // MARK: Where

    private func find() {
        switch location.endpoint {
        case .address(let address):
            addresses = [address]
            connect(after: nil)
        case .name(let name, let port):
            resolver.resolve(name) { [weak self] found in
                guard let self, !isOver else { return }
                addresses = found.map { $0.with(port: port) }
                connect(after: nil)
            }
        }
    }

    /// Tries the next address; `failure` says what became of the one before.
    private func connect(after failure: FetchFailure?) {
        drop()
        guard !addresses.isEmpty else { return end(.failure(failure ?? .unknownHost)) }
        guard let name = location.serverName else { return end(.failure(.badRedirect)) }
        let address = addresses.removeFirst()
        do throws(SystemError) {
            let channel = try ByteChannel(
                connectingTo: address, tls: location.isSecure ? (tls, name) : nil, on: context.loop, scratch: context.scratch)
            channel.attach(self)
            self.channel = channel
        } catch {
            return connect(after: .unreachable(ErrorNumber.text(error.code)))
        }
        guard !addresses.isEmpty else { return }
        connecting = Timer(on: context.loop) { [unowned self] in connect(after: .timedOut) }
        connecting?.arm(after: Self.connectLimit)
    }

    private func drop() {
        connecting = nil
        exchange = nil
        isRequested = false
        guard let channel else { return }
        self.channel = nil
        channel.abort()
    }

    private func end(_ result: Result<Document, FetchFailure>) {
        guard !isOver else { return }
        cancel()
        completion(result)
    }

    // MARK: ByteChannelDelegate

    func channelOpened() {
        connecting = nil
        exchange = KeySetExchange(location)
        channel?.markDirty()
    }

    func channelProduce(into output: inout GatherBuffer, limit: Int) {
        guard let exchange, !isRequested else { return }
        isRequested = true
        exchange.writeRequest(to: &output.bytes)
    }

    func channelReceived(_ input: BufferSlice) {
        guard let exchange else { return }
        do throws(FetchFailure) {
            if let outcome = try exchange.receive(input.bytes) { take(outcome) }
        } catch {
            end(.failure(error))
        }
    }

    func channelClosed(_ reason: ChannelEnd) {
        // Not ours any more: given up for the next address, or done with.
        guard channel != nil else { return }
        channel = nil
        switch reason {
        case .unreachable(let code): connect(after: .unreachable(ErrorNumber.text(code)))
        case .security(let text): end(.failure(.security(text)))
        case .peer:
            do throws(FetchFailure) {
                guard let exchange else { throw .connectionLost }
                take(try exchange.connectionEnded())
            } catch {
                end(.failure(error))
            }
        case .local, .broken: end(.failure(.connectionLost))
        }
    }

    private func take(_ outcome: KeySetExchange.Outcome) {
        switch outcome {
        case .document(let body, let freshFor): end(.success((body, freshFor)))
        case .redirect(let target):
            guard let next = KeySetLocation(target, from: location) else { return end(.failure(.badRedirect)) }
            redirects += 1
            guard redirects <= Self.redirectsMax else { return end(.failure(.tooManyRedirects)) }
            location = next
            drop()
            find()
        }
    }
}

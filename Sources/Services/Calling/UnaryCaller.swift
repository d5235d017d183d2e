package import GRPC
package import Reactor
internal import Sockets
package import Transport

/// Unary calls one after the other over one connection, each waited for: for commands that have nothing else to do.
package final class UnaryCaller: ClientCallOwner {
    package enum Failure: Error {
        case unreachable(String)
        case status(CallStatus)
    }

    private let target: CallTarget
    private let loop: EventLoop
    private let context: WorkerContext
    private var connector: CallConnector?
    private var connection: ClientConnection?
    private var answer: [UInt8]?
    private var status: CallStatus?

    package init(_ target: CallTarget) throws(SystemError) {
        self.target = target
        loop = try EventLoop()
        context = WorkerContext(index: 0, loop: loop)
    }

    /// For one call.
    private static let timeout = Duration.seconds(30)
    private static let messageBytesMax: UInt32 = 16 << 20

    /// - Parameter path: `/package.Service/Method`.
    package func call(_ path: String, _ message: [UInt8]) throws(Failure) -> [UInt8] {
        let connection = try connect()
        var head = ClientCallHead(path: path, authority: target.authority, isSecure: target.isSecure)
        head.timeout = Self.timeout
        head.messageBytesMax = Self.messageBytesMax
        answer = nil
        status = nil
        guard let call = ClientCall(head, on: connection, owner: self) else { throw .unreachable("the connection takes no call") }
        message.withUnsafeBytes { call.send($0) }
        call.finish()
        // What was sent leaves at the end of a tick, which would wait for something to arrive first.
        loop.tick(wait: false)
        withExtendedLifetime(call) {
            while status == nil { loop.tick(wait: true) }
        }
        guard let status, status.code == .ok, let answer else {
            throw .status(status.flatMap { $0.code == .ok ? nil : $0 } ?? CallStatus(.internal, "an answer without a message"))
        }
        return answer
    }

    private func connect() throws(Failure) -> ClientConnection {
        if let connection { return connection }
        var found: Result<ClientConnection, CallConnector.Failure>?
        let connector = CallConnector(target, context: context) { found = $0 }
        self.connector = connector
        connector.start()
        while found == nil { loop.tick(wait: true) }
        switch found {
        case .success(let connection):
            self.connection = connection
            return connection
        case .failure(.failed(let reason)): throw .unreachable(reason)
        case nil: throw .unreachable("no answer")
        }
    }

    package func callReceived(_ call: ClientCall, _ message: MessageReader.Message) { answer = Array(message.payload) }

    package func callEnded(_ call: ClientCall, _ status: CallStatus) { self.status = status }
}

internal import Bytes
package import GRPC
internal import HTTPModel
internal import Reactor

/// Asks a server by reflection what services it has, and for the files that define them.
///
///     v1 ──any failure before the services are known──▶ v1alpha
///      └── services ─▶ the file of each ─▶ files that they import and that were not sent ─▶ done
///              └── the stream ends early: another, with what has not been asked yet
///
/// One question at a time. What a server cannot answer costs that service or file, not the others. Ends by calling `completion`
/// once, never within `init`, or by `cancel`. Kept by its owner.
package final class ReflectionFetch: ClientCallOwner {
    package struct Settings: Sendable {
        package var authority: String
        package var isSecure: Bool
        package var metadata: [ClientCallHead.Metadata] = []
        package var timeLimit = Duration.seconds(10)
        package var filesMax = 10_000
        /// All files together.
        package var bytesMax = 64 << 20
        /// One answer: a file and all that it imports.
        package var messageBytesMax: UInt32 = 32 << 20

        package init(authority: String, isSecure: Bool) {
            self.authority = authority
            self.isSecure = isSecure
        }
    }

    package struct Answer: Sendable {
        /// As the server lists them.
        package internal(set) var services: [String] = []
        /// Each an encoded FileDescriptorProto, none twice: what `Schema(files:)` takes.
        package internal(set) var files: [[UInt8]] = []
        /// Services of the list whose file the server did not give, and why.
        package internal(set) var withoutFile: [(service: String, reason: String)] = []
        /// Files that are imported, which the server did not give, and why.
        package internal(set) var missing: [(file: String, reason: String)] = []
        package internal(set) var version = ReflectionVersion.v1
    }

    package enum Failure: Error, Equatable, CustomStringConvertible {
        /// The server has neither version.
        case unsupported
        /// Its answer was a status.
        case refused(CallStatus)
        /// It sent something else than what it was asked for, or more than is taken.
        case unusable(String)

        package var description: String {
            switch self {
            case .unsupported: "the server has no reflection (grpc.reflection.v1 or v1alpha)"
            case .refused(let status):
                "reflection was refused: \(status.code.name)\(status.message.isEmpty ? "" : ": \(status.message)")"
            case .unusable(let reason): "reflection went wrong: \(reason)"
            }
        }
    }

    private let settings: Settings
    private let connection: ClientConnection
    private var completion: ((Result<Answer, Failure>) -> Void)?
    private var call: ClientCall?
    private var limit: Timer?
    private var patience: Timer?
    private var answer = Answer()
    private var questions: ReflectionQuestions
    /// What became of v1, while v1alpha is tried.
    private var firstFailure: Failure?
    /// A question that a stream ended over: it is put once more.
    private var interrupted: ReflectionQuestion?

    /// - Parameter connection: ready, and kept by the fetch until it ends.
    package init(
        on connection: ClientConnection, _ settings: Settings, completion: @escaping (Result<Answer, Failure>) -> Void
    ) {
        self.connection = connection
        self.settings = settings
        self.completion = completion
        questions = ReflectionQuestions(filesMax: settings.filesMax, bytesMax: settings.bytesMax)
        limit = Timer(on: connection.context.loop) { [unowned self] in
            end(.failure(mostInformative(Self.timeIsUp(settings.timeLimit))))
        }
        limit?.arm(after: settings.timeLimit)
        // A version that is not answered leaves time for the other.
        patience = Timer(on: connection.context.loop) { [unowned self] in
            if answer.version == .v1, !questions.knowsServices { failed(Self.timeIsUp(settings.timeLimit / 2)) }
        }
        patience?.arm(after: settings.timeLimit / 2)
        begin(.v1)
    }

    deinit { call?.cancel() }

    private static func timeIsUp(_ limit: Duration) -> Failure {
        .refused(CallStatus(.deadlineExceeded, "no answer within \(limit)"))
    }

    /// Makes no more calls.
    package func cancel() {
        completion = nil
        (limit, patience) = (nil, nil)
        call?.cancel()
        call = nil
    }

    private func begin(_ version: ReflectionVersion) {
        answer.version = version
        guard openStream() else {
            return connection.context.loop.afterThisTick { [weak self] in
                guard let self else { return }
                end(.failure(mostInformative(.refused(CallStatus(.unavailable, "the connection takes no request")))))
            }
        }
        askNext()
    }

    private func openStream() -> Bool {
        call?.cancel()
        var head = ClientCallHead(path: answer.version.path, authority: settings.authority, isSecure: settings.isSecure)
        head.metadata = settings.metadata
        head.timeout = settings.timeLimit
        head.messageBytesMax = settings.messageBytesMax
        call = ClientCall(head, on: connection, owner: self)
        return call != nil
    }

    private func askNext() {
        guard let question = questions.next() else {
            call?.finish()
            (answer.services, answer.files) = (questions.services, questions.files)
            (answer.withoutFile, answer.missing) = (questions.withoutFile, questions.missing)
            return end(.success(answer))
        }
        var message = ByteBuffer(capacity: 128)
        question.append(to: &message)
        call?.send(message.readable)
    }

    /// Of two failures the more informative one: v1's, but where that is not there or v1alpha went further.
    private func mostInformative(_ failure: Failure) -> Failure {
        guard let firstFailure, firstFailure != .unsupported, !questions.knowsServices else { return failure }
        return firstFailure
    }

    /// What v1 does not do, v1alpha may: proxies and servers refuse an unknown service in many ways.
    private func failed(_ failure: Failure) {
        guard answer.version == .v1, !questions.knowsServices else {
            return end(.failure(mostInformative(failure)))
        }
        firstFailure = failure
        questions.reset()
        begin(.v1alpha)
    }

    private func end(_ result: Result<Answer, Failure>) {
        guard let completion else { return }
        connection.context.loop.retire(self)
        cancel()
        completion(result)
    }

    // MARK: ClientCallOwner

    package func callReceived(_ call: ClientCall, _ message: MessageReader.Message) {
        guard !message.isCompressed else { return failed(.unusable("an answer was compressed unasked")) }
        do throws(ReflectionQuestions.Failure) {
            guard try questions.received(message.payload) else { return }
            interrupted = nil
            askNext()
        } catch {
            switch error {
            case .refused(let code, let message): failed(.refused(CallStatus(code, message)))
            case .unusable(let reason): failed(.unusable(reason))
            case .tooMuch(let reason): end(.failure(.unusable(reason)))
            }
        }
    }

    package func callEnded(_ call: ClientCall, _ status: CallStatus) {
        guard questions.knowsServices else {
            if status.code == .unimplemented { return failed(.unsupported) }
            return failed(status.code == .ok ? .unusable("the stream ended before it had answered") : .refused(status))
        }
        let failure = status.code == .ok ? Failure.unusable("the stream ended early") : .refused(status)
        // Over one question a stream may end once; then the server cannot answer it, or cannot answer at all at present.
        if let question = questions.asked, question == interrupted {
            switch status.code {
            case .unavailable, .deadlineExceeded, .cancelled: return end(.failure(failure))
            default: questions.failed("\(failure)")
            }
            interrupted = nil
        } else {
            interrupted = questions.asked
            questions.repeatAsked()
        }
        guard openStream() else { return end(.failure(failure)) }
        askNext()
    }
}

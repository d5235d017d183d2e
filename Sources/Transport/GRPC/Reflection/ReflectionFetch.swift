internal import Bytes
package import GRPC
internal import HTTPModel
internal import Reactor

/// Asks a server by reflection what services it has, and for the files that define them.
///
///     v1 ──UNIMPLEMENTED──▶ v1alpha
///      └── services ─▶ the file of each ─▶ files that they import and nobody sent ─▶ done
///
/// One stream, one question at a time. Ends by calling `completion` once, never within `init`, or by `cancel`. Kept by
/// whoever began it.
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
    private var answer = Answer()
    private var hasHeard = false
    private var asked: ReflectionQuestion?
    private var waiting: [ReflectionQuestion] = []
    /// Files by name: whether they are there, or were asked for in vain.
    private var knownFiles: Set<String> = []
    private var knownServices: Set<String> = []
    private var byteCount = 0

    /// - Parameter connection: ready, and kept by the fetch until it ends.
    package init(
        on connection: ClientConnection, _ settings: Settings, completion: @escaping (Result<Answer, Failure>) -> Void
    ) {
        self.connection = connection
        self.settings = settings
        self.completion = completion
        limit = Timer(on: connection.context.loop) { [unowned self] in
            end(.failure(.refused(CallStatus(.deadlineExceeded, "no answer within \(settings.timeLimit)"))))
        }
        limit?.arm(after: settings.timeLimit)
        begin(.v1)
    }

    deinit { call?.cancel() }

    /// Calls nobody any more.
    package func cancel() {
        completion = nil
        limit = nil
        call?.cancel()
        call = nil
    }

    private func begin(_ version: ReflectionVersion) {
        answer.version = version
        var head = ClientCallHead(path: version.path, authority: settings.authority, isSecure: settings.isSecure)
        head.metadata = settings.metadata
        head.timeout = settings.timeLimit
        head.messageBytesMax = settings.messageBytesMax
        call = ClientCall(head, on: connection, owner: self)
        guard call != nil else {
            return connection.context.loop.afterThisTick { [weak self] in
                self?.end(.failure(.refused(CallStatus(.unavailable, "the connection takes no request"))))
            }
        }
        waiting = [.services]
        askNext()
    }

    private func askNext() {
        while let question = waiting.popLast() {
            if case .file(let name) = question, knownFiles.contains(name) { continue }
            if case .fileOfSymbol(let name) = question, knownServices.contains(name) { continue }
            asked = question
            var message = ByteBuffer(capacity: 128)
            question.append(to: &message)
            call?.send(message.readable)
            return
        }
        call?.finish()
        end(.success(answer))
    }

    private func end(_ result: Result<Answer, Failure>) {
        guard let completion else { return }
        withExtendedLifetime(self) {
            cancel()
            completion(result)
        }
    }

    // MARK: ClientCallOwner

    package func callReceived(_ call: ClientCall, _ message: MessageReader.Message) {
        hasHeard = true
        guard !message.isCompressed else { return end(.failure(.unusable("an answer was compressed unasked"))) }
        guard let asked, let found = try? ReflectionAnswer.read(message.payload) else {
            return end(.failure(.unusable("an answer is no ServerReflectionResponse")))
        }
        self.asked = nil
        do throws(Failure) {
            try take(found, to: asked)
            askNext()
        } catch { end(.failure(error)) }
    }

    package func callEnded(_ call: ClientCall, _ status: CallStatus) {
        if status.code == .unimplemented, !hasHeard {
            return answer.version == .v1 ? begin(.v1alpha) : end(.failure(.unsupported))
        }
        end(.failure(status.code == .ok ? .unusable("the stream ended before it had answered") : .refused(status)))
    }

    // MARK: Answers

    private func take(_ found: ReflectionAnswer, to asked: ReflectionQuestion) throws(Failure) {
        switch (asked, found) {
        case (.services, .services(let names)):
            guard names.count <= settings.filesMax else { throw .unusable("more than \(settings.filesMax) services") }
            answer.services = names
            // The last is asked first.
            waiting = names.reversed().map { .fileOfSymbol($0) }
        case (.services, .error(let code, let message)):
            let code = UInt8(exactly: code).flatMap { StatusCode(rawValue: $0) } ?? .unknown
            throw .refused(CallStatus(code, message))
        case (.fileOfSymbol(let name), .error(_, let message)): answer.withoutFile.append((name, message))
        // Files that hold nothing but options are often missing: whoever links them says what is.
        case (.file(let name), .error(_, let message)):
            knownFiles.insert(name)
            answer.missing.append((name, message))
        case (.fileOfSymbol(let name), .files(let files)):
            for file in files { try take(file) }
            if !knownServices.contains(name) { answer.withoutFile.append((name, "the file that was sent does not define it")) }
        case (.file(let name), .files(let files)):
            knownFiles.insert(name)
            for file in files { try take(file, isAskedFor: name) }
        default: throw .unusable("an answer to another question than the one asked")
        }
    }

    private func take(_ file: [UInt8], isAskedFor name: String? = nil) throws(Failure) {
        let outline: FileOutline
        do throws(WireReader.Failure) {
            outline = try file.span.bytes.withUnsafeBytes { (bytes) throws(WireReader.Failure) in try FileOutline(bytes) }
        } catch { throw .unusable("a file descriptor is no protobuf (\(error))") }
        guard knownFiles.insert(outline.name).inserted || outline.name == name else { return }
        byteCount += file.count
        guard byteCount <= settings.bytesMax, answer.files.count < settings.filesMax else {
            throw .unusable("more than \(settings.bytesMax) bytes or \(settings.filesMax) files")
        }
        answer.files.append(file)
        knownServices.formUnion(outline.services)
        // Behind the services, which mostly bring what they import: asked last, of those that are still missing.
        waiting.insert(contentsOf: outline.imports.filter { !knownFiles.contains($0) }.map { .file($0) }, at: 0)
    }
}

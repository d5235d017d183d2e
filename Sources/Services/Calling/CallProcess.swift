internal import GRPC
internal import Protobuf
package import Reactor
package import Transport

/// `martlet call`: connects, finds out what there is, and does what was asked.
///
///     dial ─▶ schema (reflection, or descriptors that were given) ─▶ list, describe or call ─▶ exit status
///
/// Where descriptors are given, nothing is dialled but for a call.
package final class CallProcess {
    private let options: CallOptions
    private let target: CallTarget?
    private let console: Console
    private let context: WorkerContext
    private let finished: (CallOutcome) -> Void
    private var dialer: CallConnector?
    private var fetch: ReflectionFetch?
    private var exchange: CallExchange?
    private var isOver = false

    /// - Parameters:
    ///   - target: may be left out where nothing is called and descriptors are given.
    ///   - finished: called once, on the loop.
    package init(
        _ options: CallOptions, to target: CallTarget?, console: Console, context: WorkerContext,
        finished: @escaping (CallOutcome) -> Void
    ) {
        self.options = options
        self.target = target
        self.console = console
        self.context = context
        self.finished = finished
    }

    /// Runs it on a loop of its own, on the calling thread.
    package static func run(_ options: CallOptions, to target: CallTarget?, console: Console) throws(SystemError) -> CallOutcome {
        let loop = try EventLoop()
        let context = WorkerContext(index: 0, loop: loop)
        var status = CallOutcome.mistake
        let process = CallProcess(options, to: target, console: console, context: context) {
            status = $0
            loop.stop()
        }
        process.start()
        if !process.isOver { loop.run() }
        return status
    }

    package func start() {
        guard options.descriptorSets.isEmpty else { return readDescriptors() }
        dial { [self] connection in reflect(connection, withToken: false) }
    }

    // MARK: Schema

    private func readDescriptors() {
        var files: [[UInt8]] = []
        do throws(WireFailure) {
            for set in options.descriptorSets { files += try DescriptorSet.files(in: set) }
        } catch { return fail("the descriptors are no FileDescriptorSet (\(error))") }
        if files.isEmpty { return fail("the descriptors hold no files: expected what protoc --descriptor_set_out writes") }
        act(files, connection: nil)
    }

    /// Asked without the token first: a server that gives its schema to anyone need not see it.
    private func reflect(_ connection: ClientConnection, withToken: Bool) {
        guard let target else { return }
        var settings = ReflectionFetch.Settings(authority: target.authority, isSecure: target.isSecure)
        settings.metadata = options.metadata
        if withToken, let token = options.token { settings.metadata.append(token) }
        fetch = ReflectionFetch(on: connection, settings) { [unowned self] result in
            switch result {
            case .success(let answer): reflected(answer, connection)
            case .failure(.refused(let status))
            where !withToken && options.token != nil && [.unauthenticated, .permissionDenied].contains(status.code):
                reflect(connection, withToken: true)
            case .failure(let failure): notReflected(failure)
            }
        }
    }

    private func notReflected(_ failure: ReflectionFetch.Failure) {
        switch failure {
        case .unsupported:
            console.say("martlet: \(failure); give the schema with --descriptors FILE")
            finish(.status(.unimplemented))
        case .refused(let status):
            let lines = StatusText.lines(status.code, status.message, details: status.details) { _ in nil }
            console.say("martlet: the server was asked for its schema, and refused; --descriptors FILE gives one instead")
            lines.forEach(console.say)
            finish(.status(status.code))
        case .unusable: fail("\(failure)")
        }
    }

    private func reflected(_ answer: ReflectionFetch.Answer, _ connection: ClientConnection) {
        if options.isVerbose {
            console.say(
                "grpc.reflection.\(answer.version.rawValue): \(answer.services.count) services, \(answer.files.count) files")
        }
        for entry in answer.withoutFile where options.isVerbose || answer.files.isEmpty {
            console.say("martlet: the server does not describe \(entry.service): \(StatusText.shown(entry.reason))")
        }
        if case .list(service: nil) = options.action {
            for name in answer.services.sorted() { print(name) }
            return finish(.ok)
        }
        act(answer.files, connection: connection)
    }

    // MARK: Action

    private func act(_ files: [[UInt8]], connection: ClientConnection?) {
        switch options.action {
        case .list(let service): list(service, files)
        case .describe(let symbol): describe(symbol, files)
        case .call(let method, let input):
            let schema: Schema
            let leftOut: [Schema.LeftOut]
            do throws(SchemaFailure) { (schema, leftOut) = try Schema.serviceable(files: files) } catch {
                error.problems.forEach { console.say("martlet: schema: \($0)") }
                return finish(.mistake)
            }
            switch MethodChoice.find(method, in: schema) {
            case .failure(let mistake):
                if let service = leftOut.first(where: { method.hasPrefix($0.service) }) {
                    return fail("\(service.service) is not described completely: \(service.reason)")
                }
                fail("\(mistake)")
            case .success(let index):
                guard let connection else { return dial { [self] in call(index, of: schema, input, $0) } }
                call(index, of: schema, input, connection)
            }
        }
    }

    private func list(_ service: String?, _ files: [[UInt8]]) {
        guard let text = try? SymbolText(files: files) else { return fail("the descriptors are no protobuf") }
        guard let service else {
            for name in text.services.sorted() { print(name) }
            return finish(.ok)
        }
        guard let methods = text.methods(of: service) else {
            return fail("there is no service \"\(service)\"\(MethodChoice.hint(for: service, among: text.services))")
        }
        for method in methods { print("\(service)/\(method)") }
        finish(.ok)
    }

    private func describe(_ symbol: String?, _ files: [[UInt8]]) {
        guard let text = try? SymbolText(files: files) else { return fail("the descriptors are no protobuf") }
        for (index, name) in (symbol.map { [$0] } ?? text.services.sorted()).enumerated() {
            guard let description = text.describe(name) else {
                return fail("there is nothing named \"\(name)\"\(MethodChoice.hint(for: name, among: text.symbols))")
            }
            if index > 0 { print("") }
            print(description)
        }
        finish(.ok)
    }

    private func call(_ method: Int, of schema: Schema, _ input: MessageInput, _ connection: ClientConnection) {
        guard let target else { return }
        exchange = CallExchange(
            method, of: schema, input, options, authority: target.authority, isSecure: target.isSecure, console: console
        ) { [unowned self] in finish($0) }
        exchange?.start(on: connection)
    }

    // MARK: Connection and end

    private func dial(_ then: @escaping (ClientConnection) -> Void) {
        guard let target else { return fail("expected an address") }
        dialer = CallConnector(target, context: context) { [unowned self] result in
            switch result {
            case .success(let connection): then(connection)
            case .failure(.failed(let reason)):
                console.say("martlet: no connection to \(target.name): \(reason)")
                finish(.unreachable)
            }
        }
        dialer?.start()
    }

    private func print(_ line: String) {
        var text = line + "\n"
        text.withUTF8 { console.answer(UnsafeRawBufferPointer($0)) }
    }

    private func fail(_ message: String) {
        console.say("martlet: \(message)")
        finish(.mistake)
    }

    private func finish(_ status: CallOutcome) {
        guard !isOver else { return }
        isOver = true
        finished(status)
    }
}

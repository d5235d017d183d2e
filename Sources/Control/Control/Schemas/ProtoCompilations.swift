internal import Gateway
internal import Reactor
internal import Schemas

/// Compiles the proto files that a configuration names on a thread of its own, because the compiler may take its time.
///
/// A configuration is built twice where it has any: the first time finds out what there is to compile, the second has it.
///
///     build ──something to compile──▶ compiling ──done──▶ build again, with the results
final class ProtoCompilations {
    private let mailbox: Mailbox
    private let running: RunningSubprocesses
    private let compiler: Compiler
    private var results: [Request: SchemaFolders.Compiled] = [:]
    private var wanted: [Request] = []

    private struct Request: Hashable, Sendable {
        let folders: [String]
        let files: [[String]]

        init(_ protos: [SchemaFolders.Protos]) {
            folders = protos.map(\.folder)
            files = protos.map(\.files)
        }

        var protos: [SchemaFolders.Protos] { zip(folders, files).map { SchemaFolders.Protos(folder: $0, files: $1) } }
    }

    typealias Compiler = @Sendable ([SchemaFolders.Protos], RunningSubprocesses) -> SchemaFolders.Compiled

    /// - Parameter running: kills a compiler that still runs when the process leaves.
    init(mailbox: Mailbox, running: RunningSubprocesses, compiler: @escaping Compiler = { ProtoCompiler.compile($0, among: $1) }) {
        self.mailbox = mailbox
        self.running = running
        self.compiler = compiler
    }

    /// Folders on the disk, with what is compiled so far.
    func folders(recording: @escaping (String) -> Void) -> SchemaFolders {
        var folders = SchemaFolders.onDisk(recording: recording)
        folders.compile = { [self] protos in
            for protos in protos { for file in protos.files { recording("\(protos.folder)/\(file)") } }
            let request = Request(protos)
            if let result = results[request] { return result }
            wanted.append(request)
            return SchemaFolders.Compiled(set: nil, complaints: [])
        }
        return folders
    }

    /// Compiles what was asked for and is not there yet.
    ///
    /// - Returns: whether there is anything, and so whether `completion` will be called, on the loop.
    func compile(_ completion: @escaping () -> Void) -> Bool {
        guard !wanted.isEmpty else { return false }
        let (requests, compiler, running, mailbox) = (wanted, compiler, running, mailbox)
        wanted = []
        let box = Completion(owner: self, action: completion)
        let work: @Sendable () -> Void = {
            let compiled = requests.map { compiler($0.protos, running) }
            mailbox.post { _ in box.finish { $0.results.merge(zip(requests, compiled)) { _, new in new } } }
        }
        do throws(SystemError) {
            try Thread(name: "protoc") { work() }.detach()
        } catch {
            // No thread to be had: then here, where it holds up the control loop.
            work()
        }
        return true
    }

    /// Made and called on the loop, and only carried by the thread.
    private final class Completion: @unchecked Sendable {
        private let owner: ProtoCompilations
        private let action: () -> Void

        init(owner: ProtoCompilations, action: @escaping () -> Void) {
            self.owner = owner
            self.action = action
        }

        func finish(_ take: (ProtoCompilations) -> Void) {
            take(owner)
            action()
        }
    }
}

import GRPCTesting
import Gateway
import Glibc
import Reactor
import Schemas
import Testing

@testable import Control

@Suite("Compiling beside the control loop")
struct ProtoCompilationsTests {
    @Test("a slow compiler does not hold up the loop; the second build has what the first asked for")
    func besides() throws {
        let worker = try TestWorker()
        let gate = try Gate()
        let protos = ProtoCompilations(mailbox: worker.loop.mailbox, running: RunningSubprocesses()) { folders, _ in
            gate.wait()
            return SchemaFolders.Compiled(set: Array(folders[0].folder.utf8), complaints: [])
        }
        var noted: [String] = []
        let asked = [SchemaFolders.Protos(folder: "p", files: ["a.proto", "b.proto"])]
        #expect(protos.folders { noted.append($0) }.compile(asked).set == nil)
        #expect(noted == ["p/a.proto", "p/b.proto"])
        var isDone = false
        #expect(protos.compile { isDone = true })
        for _ in 0..<10 { worker.loop.tick(wait: false) }
        #expect(!isDone)
        gate.open()
        #expect(worker.run { isDone })
        #expect(protos.folders { _ in }.compile(asked).set == Array("p".utf8))
        #expect(!protos.compile {})
    }

    @Test("a compiler that still runs when the process leaves is ended, and none starts after it")
    func leaving() throws {
        let worker = try TestWorker()
        let running = RunningSubprocesses()
        let started = try Gate()
        let opening = "echo > \(started.path); exec sleep 1000"
        let protos = ProtoCompilations(mailbox: worker.loop.mailbox, running: running) { _, running in
            let result = try? Subprocess.run("sh", ["-c", opening], timeLimit: .seconds(100), outputBytesMax: 100, among: running)
            let text = result.map { "status \($0.status)" } ?? "none"
            return SchemaFolders.Compiled(set: nil, complaints: [SchemaFolders.Complaint(place: nil, text: text, isWarning: false)])
        }
        let asked = [SchemaFolders.Protos(folder: "p", files: ["a.proto"])]
        #expect(protos.folders { _ in }.compile(asked).set == nil)
        var isDone = false
        #expect(protos.compile { isDone = true })
        started.wait()
        running.killAll()
        #expect(worker.run { isDone })
        #expect(protos.folders { _ in }.compile(asked).complaints.map(\.text) == ["status \(128 + SIGKILL)"])
        #expect(throws: Subprocess.Failure.ending) {
            try Subprocess.run("true", [], timeLimit: .seconds(100), outputBytesMax: 100, among: running)
        }
    }
}

/// What a thread waits for until another, or another program, writes a byte: a named pipe.
private final class Gate: Sendable {
    let path: String
    private let descriptor: Int32

    init() throws {
        var template = Array("/tmp/martlet-gate-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template)) + "/pipe"
        mkfifo(path, 0o600)
        // For both, so that a read waits for a writer that is yet to come.
        descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
        try #require(descriptor >= 0)
    }

    deinit {
        close(descriptor)
        unlink(path)
        rmdir(String(path.dropLast("/pipe".utf8.count)))
    }

    func wait() {
        var byte: UInt8 = 0
        #expect(read(descriptor, &byte, 1) == 1)
    }

    func open() { #expect(write(descriptor, "x", 1) == 1) }
}

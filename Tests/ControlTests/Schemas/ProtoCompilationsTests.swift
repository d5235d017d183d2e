import Glibc
import GRPCTesting
import Gateway
import Reactor
import Synchronization
import Testing

@testable import Control

@Suite("Compiling beside the control loop")
struct ProtoCompilationsTests {
    @Test("a slow compiler does not hold up the loop; the second build has what the first asked for")
    func besides() throws {
        let worker = try TestWorker()
        let isLetGo = Atomic<Bool>(false)
        let protos = ProtoCompilations(mailbox: worker.loop.mailbox) { folders in
            while !isLetGo.load(ordering: .acquiring) { usleep(1000) }
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
        isLetGo.store(true, ordering: .releasing)
        #expect(worker.run { isDone })
        #expect(protos.folders { _ in }.compile(asked).set == Array("p".utf8))
        #expect(!protos.compile {})
    }
}

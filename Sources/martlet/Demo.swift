import ArgumentParser
import Control
import Sockets

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a demonstration backend: martlet.demo.v1.Demo with all four call kinds, and grpc.health.v1.Health.")

    @Option(help: "Where to listen: ADDRESS:PORT or unix:PATH; port 0 lets the system choose.")
    var listen = "127.0.0.1:50051"

    @Option(help: "What its answers are signed with.")
    var name = "demo"

    func run() throws {
        guard let address = SocketAddress(listen) else {
            throw ValidationError(
                "found \"\(listen)\" for --listen, expected an address such as 127.0.0.1:50051 or unix:/run/demo.sock")
        }
        let notices = Notices()
        do {
            throw ExitCode(try DemoProcess(at: address, name: name, notices: notices).run())
        } catch let failure as StartFailure {
            notices.say("martlet: \(failure.message)")
            throw ExitCode(1)
        }
    }
}

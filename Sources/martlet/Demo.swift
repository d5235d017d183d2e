import ArgumentParser
import Control
internal import Net

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a demo backend: martlet.demo.v1.Demo with all four kinds of call, and grpc.health.v1.Health.")

    @Option(help: "Address to listen on: ADDRESS:PORT or unix:PATH. Port 0 picks a free port.")
    var listen = "127.0.0.1:50051"

    @Option(help: "Server name in its responses.")
    var name = "demo"

    func run() throws {
        guard let address = SocketAddress(listen) else {
            throw ValidationError(
                "found \"\(listen)\" for --listen, expected an address such as 127.0.0.1:50051 or unix:/run/demo.sock")
        }
        let diagnostics = Diagnostics()
        do {
            throw ExitCode(try DemoProcess(at: address, name: name, diagnostics: diagnostics).run())
        } catch let failure as StartFailure {
            diagnostics.log("martlet: \(failure.message)")
            throw ExitCode(1)
        }
    }
}

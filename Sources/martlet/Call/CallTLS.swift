import ArgumentParser
import Calling
import Config
import Control
internal import Net
import TLS

/// How a server is verified, and which one to call.
struct CallTLS: ParsableArguments {
    @Flag(help: "Use TLS; implied by each of the following options.")
    var tls = false

    @Option(help: ArgumentHelp("Certificate authorities to trust, in PEM. Default: the system's.", valueName: "file"))
    var ca: String?

    @Option(help: ArgumentHelp("Client certificate, in PEM; requires --key.", valueName: "file"))
    var cert: String?

    @Option(help: ArgumentHelp("Private key of the client certificate, in PEM.", valueName: "file"))
    var key: String?

    @Option(help: ArgumentHelp("Name that the server's certificate must have, if not the host of ADDRESS.", valueName: "name"))
    var serverName: String?

    @Flag(help: "Accept any certificate. Anyone in between can read everything, including the token.")
    var insecure = false

    func validate() throws {
        if (cert == nil) != (key == nil) { throw ValidationError("--cert and --key require each other.") }
        if insecure, ca != nil { throw ValidationError("--insecure accepts any certificate; --ca would have no effect.") }
    }

    private var isOn: Bool { tls || insecure || ca != nil || cert != nil || serverName != nil }

    /// - Parameter authority: `nil` for that of the address.
    func target(_ text: String, authority: String?) throws -> CallTarget {
        guard let address = NetworkAddress(text), address.port != 0 else {
            throw ValidationError(
                "found \(Quoted.text(text)), expected an address such as localhost:50051, [::1]:50051 or unix:/run/orders.sock.")
        }
        let addresses: [SocketAddress]
        switch address {
        case .ip(let host, let port): addresses = SocketAddress(host: host, port: port).map { [$0] } ?? []
        case .unix(let path): addresses = [.unix(path)]
        case .name(let name, let port): addresses = NameFiles.addresses(of: name, readFile: Files.bytes).map { $0.with(port: port) }
        }
        return CallTarget(
            name: text, addresses: addresses, authority: authority ?? address.authority ?? "localhost",
            tls: isOn ? try client(host: address.host) : nil)
    }

    private func client(host: String?) throws -> (context: ClientContext, name: ServerName) {
        guard let wanted = serverName ?? host ?? (insecure ? "localhost" : nil) else {
            throw ValidationError("a Unix socket has no host name to verify a certificate against: expected --server-name.")
        }
        guard let name = ServerName(wanted) else {
            throw ValidationError("found \(Quoted.text(wanted)) for --server-name, expected a host name or address.")
        }
        let authorities = try ca.map { path in
            try usable(path) { bytes throws(ContextMistake) in try CertificateAuthorities(pem: bytes) }
        }
        var settings = ClientSettings(authorities: authorities ?? .system)
        settings.verifiesCertificates = !insecure
        if let cert, let key {
            let keyBytes = try CallFiles.read(key)
            settings.identity = try usable(cert) { bytes throws(ContextMistake) in try Identity(chain: bytes, key: keyBytes) }
        }
        do throws(ContextMistake) { return (try ClientContext(settings), name) } catch { throw CommandFailure("TLS: \(error)") }
    }

    private func usable<Value>(_ path: String, _ make: ([UInt8]) throws(ContextMistake) -> Value) throws(CommandFailure) -> Value {
        let bytes = try CallFiles.read(path)
        do throws(ContextMistake) { return try make(bytes) } catch { throw CommandFailure("\(path): \(error)") }
    }
}

import ArgumentParser
import Calling
import Config
import Control
import GRPC
internal import Net
import QuotaService
import SwiftProtobuf
import Transport

/// Where a gateway's admin address is, and how its answers are printed.
struct QuotaAdmin: ParsableArguments {
    @Argument(help: "Admin address of a gateway, such as unix:/run/martlet/admin.sock.")
    var address: String

    @Flag(help: "Print answers as JSON.")
    var json = false

    func connect() throws -> QuotaConnection {
        guard let address = NetworkAddress(address), address.port != 0 else {
            throw ValidationError(
                "found \(Quoted.text(self.address)), expected an address such as 127.0.0.1:9901 or unix:/run/martlet/admin.sock.")
        }
        let addresses: [SocketAddress]
        switch address {
        case .ip(let host, let port): addresses = SocketAddress(host: host, port: port).map { [$0] } ?? []
        case .unix(let path): addresses = [.unix(path)]
        case .name(let name, let port): addresses = NameFiles.addresses(of: name, readFile: Files.bytes).map { $0.with(port: port) }
        }
        let target = CallTarget(name: self.address, addresses: addresses, authority: address.authority ?? "localhost", tls: nil)
        return QuotaConnection(try UnaryCaller(target), to: self.address)
    }

    /// One call, whose answer is printed.
    func run<Reply: Message>(_ method: String, _ request: some Message, _ reply: Reply.Type, text: (Reply) -> String) throws {
        let reply = try connect().call(method, request, reply)
        try print(reply, text: text)
    }

    func print<Reply: Message>(_ reply: Reply, text: (Reply) -> String) throws {
        let words = json ? try reply.jsonString() + "\n" : text(reply)
        Swift.print(words, terminator: "")
    }
}

/// Calls of `martlet.quota.v1.Quotas`. One that fails ends the process with its status.
struct QuotaConnection {
    private let caller: UnaryCaller
    private let name: String

    init(_ caller: UnaryCaller, to name: String) {
        self.caller = caller
        self.name = name
    }

    func call<Reply: Message>(_ method: String, _ request: some Message, _ reply: Reply.Type) throws -> Reply {
        let bytes: [UInt8]
        do throws(UnaryCaller.Failure) {
            bytes = try caller.call("/\(QuotaMethods.name)/\(method)", (try? request.serializedBytes()) ?? [])
        } catch {
            switch error {
            case .unreachable(let reason):
                Diagnostics().log("martlet: no connection to \(name): \(reason)")
                throw ExitCode(CallOutcome.unreachable.number)
            case .status(let status):
                for line in StatusText.lines(status.code, status.message, details: status.details, other: { _ in nil }) {
                    Diagnostics().log("martlet: \(line)")
                }
                throw ExitCode(CallOutcome.status(status.code).number)
            }
        }
        guard let reply = try? Reply(serializedBytes: bytes) else {
            throw CommandFailure("\(name): the answer is not a \(Reply.protoMessageName)")
        }
        return reply
    }
}

/// What a tenant's quota is named by.
struct QuotaTenant: ParsableArguments {
    @Argument(help: "The tenant.")
    var tenant: String

    @Option(help: ArgumentHelp("Issuer of the tenant's tokens. Default: every configured one.", valueName: "issuer"))
    var issuer: String?
}

/// Columns, as wide as their cells.
enum TextTable {
    /// - Parameter rows: the first is the heading. The last column is not padded.
    static func text(_ rows: [[String]]) -> String {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }.joined(separator: "  ")
        }.joined(separator: "\n") + "\n"
    }
}

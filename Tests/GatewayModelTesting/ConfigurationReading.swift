internal import Config
import GatewayChecks
package import GatewayModel

/// The sections a configuration cannot do without, for cases that are about another one.
private let otherSections: [(key: String, text: String)] = [
    ("listeners", "listeners: [{ address: 127.0.0.1:0 }]\n"),
    ("authentication", "authentication: { issuers: [{ issuer: i, audiences: [a], jwks: k.json }], tenant: claim tenant }\n"),
    ("clusters", "clusters: { orders: { endpoints: [10.0.0.1:80] } }\n"),
    ("routes", "routes: [{ cluster: orders }]\n"),
]

/// Reads `text` as martlet.yaml; the sections that it leaves out and cannot do without are put behind it, so that its own
/// lines keep their numbers.
package func readConfiguration(
    _ text: String, environment: [String: String] = [:], files: [String: String] = [:], without: Set<String> = []
) -> (value: GatewayConfiguration?, report: String) {
    var whole = text.isEmpty || text.hasSuffix("\n") ? text : text + "\n"
    for (key, section) in otherSections where !without.contains(key) {
        let isThere = text.split(separator: "\n").contains { $0.hasPrefix("\(key):") }
        if !isThere { whole += section }
    }
    let reading = GatewayConfiguration.read(
        text: whole, file: "martlet.yaml", environment: { environment[$0] },
        readFile: { files[$0].map { .success($0) } ?? .failure(FileFailure("no such file")) })
    return (reading.value, reading.issues.report)
}

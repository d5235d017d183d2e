import GatewayModelTesting
import Testing

@testable import GatewayModel

/// A wrong configuration and what is said about it, every word.
///
/// Corpus texts hold several: a line `--- what is wrong`, the configuration, and `>>> ` before each line of the report. What a
/// case leaves out and cannot do without is put behind it (`readConfiguration`); `without: key, key` in the first line
/// keeps sections from that.
struct WrongConfiguration: CustomTestStringConvertible {
    var title: String
    var without: Set<String> = []
    var text = ""
    var report = ""

    var testDescription: String { title }

    static func corpus(_ text: String) -> [WrongConfiguration] {
        var cases: [WrongConfiguration] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("--- ") {
                cases.append(WrongConfiguration(title: String(line.dropFirst(4))))
            } else if line.hasPrefix(">>> ") {
                cases[cases.count - 1].report += line.dropFirst(4) + "\n"
            } else if line.hasPrefix("without: ") {
                cases[cases.count - 1].without = Set(line.dropFirst(9).split(separator: ", ").map(String.init))
            } else {
                cases[cases.count - 1].text += line + "\n"
            }
        }
        return cases
    }
}

@Suite struct WrongConfigurationTests {
    @Test("each mistake gives its message", arguments: WrongConfiguration.all)
    func message(wrong: WrongConfiguration) {
        let (value, report) = readConfiguration(
            wrong.text, environment: ["EMPTY": "", "SECRET": "hunter2"], without: wrong.without)
        #expect(report == wrong.report)
        let isError = report.split(separator: "\n").contains { !$0.contains(": warning: ") }
        #expect((value == nil) == isError)
    }
}

extension WrongConfiguration {
    static let all =
        document + listeners + authentication + plansAndLimits + quotas + stores + clusters + balancing + routes + habits
        + routeActions
        + gzip
        + headerChanges + removedHeaders + otherGateways + retries + traffic + rules
}

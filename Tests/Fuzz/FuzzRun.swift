import FuzzEntries
import Glibc

/// Runs fuzz entries in this process, which a trap ends: then the last line says which entry it was, and there is no report.
///
///     Fuzz [--junitxml FILE | NAME]
enum FuzzRun {
    /// It is quick: a few seconds for all.
    private static let times = 20

    static func main() {
        let words = CommandLine.arguments.dropFirst()
        let file = words.first == "--junitxml" ? words.dropFirst().first : nil
        let name = file == nil ? words.first : nil
        var report = "<testsuites><testsuite name=\"fuzz\">\n"
        for entry in FuzzEntry.all where name == nil || name == entry.name {
            print("\(entry.name): ", terminator: "")
            fflush(nil)
            let start = ContinuousClock.now
            entry.runAll(times: times)
            print("\(entry.inputs * times) inputs, \(ContinuousClock.now - start)")
            report += "<testcase classname=\"fuzz\" name=\"\(entry.name.filter { $0 != "'" })\"/>\n"
        }
        report += "</testsuite></testsuites>\n"
        guard let file else { return }
        guard let output = fopen(file, "w") else { exit(1) }
        fputs(report, output)
        fclose(output)
    }
}

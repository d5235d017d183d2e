@testable import Config

/// Reads `text` with `body` as `test.yaml` and returns the value and the issues as a user sees them.
func reading<Value>(
    _ text: String, environment: [String: String] = [:], files: [String: String] = [:],
    _ body: @escaping (Section) -> Value?
) -> (value: Value?, report: String) {
    let surroundings = Surroundings(
        environment: { environment[$0] },
        readFile: { files[$0].map { .success($0) } ?? .failure(FileFailure("no such file")) })
    let reader = Reader(text, file: "test.yaml", surroundings: surroundings)
    let value = reader.root.flatMap { reader.section($0, body) }
    return (value, reader.issues.report)
}

/// The value of `key: text`, or what was said about it without its place.
func reading<Value>(_ text: String, as grammar: Grammar<Value>) -> (value: Value?, message: String) {
    let (value, report) = reading("key: \(text)") { $0.required("key", grammar) }
    return (value, report.isEmpty ? "" : String(report.dropFirst("test.yaml:1:6: key: ".count).dropLast()))
}

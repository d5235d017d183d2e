package import Config
internal import Glibc

/// What the process has to say to whoever runs it: lines on standard error.
package struct Notices: Sendable {
    private let hear: @Sendable (String) -> Void

    package init() {
        hear = { line in
            var text = Self.printable(line) + "\n"
            text.withUTF8 { bytes in
                // A line that cannot be said is lost; there is nobody else to tell.
                _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count)
            }
        }
    }

    /// Names that others gave us may hold what a terminal obeys, or ends at.
    static func printable(_ line: String) -> String {
        let isControl = { (scalar: Unicode.Scalar) in
            scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
        }
        guard line.unicodeScalars.contains(where: isControl) else { return line }
        return line.unicodeScalars.map { isControl($0) ? "\\u{\(String($0.value, radix: 16))}" : String($0) }.joined()
    }

    /// Said to somebody else, from any thread.
    init(to hear: @escaping @Sendable (String) -> Void) { self.hear = hear }

    package func say(_ line: String) { hear(line) }

    package func report(_ issues: [Issue]) {
        for issue in issues { say(issue.severity == .warning ? "warning: \(issue)" : "\(issue)") }
    }
}

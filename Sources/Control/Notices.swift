package import Config
internal import Glibc

/// What the process has to say to whoever runs it: lines on standard error.
package struct Notices: Sendable {
    package init() {}

    package func say(_ line: String) {
        var text = line + "\n"
        text.withUTF8 { bytes in
            // A line that cannot be said is lost; there is nobody else to tell.
            _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }

    package func report(_ issues: [Issue]) {
        for issue in issues { say(issue.severity == .warning ? "warning: \(issue)" : "\(issue)") }
    }
}

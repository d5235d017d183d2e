package import Config

/// What the process tells its operators: lines on standard error.
package struct Diagnostics: Sendable {
    private let write: @Sendable (String) -> Void

    package init() {
        write = { line in StandardError.shared.write(Self.printable(line) + "\n") }
    }

    /// Names that others gave us may hold what a terminal obeys, or ends at.
    static func printable(_ line: String) -> String {
        let isControl = { (scalar: Unicode.Scalar) in
            scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
        }
        guard line.unicodeScalars.contains(where: isControl) else { return line }
        return line.unicodeScalars.map { isControl($0) ? "\\u{\(String($0.value, radix: 16))}" : String($0) }.joined()
    }

    /// Said elsewhere, from any thread.
    init(to write: @escaping @Sendable (String) -> Void) { self.write = write }

    package func log(_ line: String) { write(line) }

    package func report(_ issues: [Issue]) {
        for issue in issues { log("\(issue)") }
    }
}

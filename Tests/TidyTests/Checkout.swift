import Foundation

/// The files of this package, as the tidy tests see them.
enum Checkout {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }

    static func entries(of folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path).sorted()
    }

    /// Paths below `folder`, relative to the root, whose names end in one of `endings`; none of generated files.
    static func files(under folder: String, endings: [String]) -> [String] {
        let base = root.appendingPathComponent(folder).path
        guard let walk = FileManager.default.enumerator(atPath: base) else { return [] }
        return walk.compactMap { $0 as? String }
            .filter { path in endings.contains { path.hasSuffix($0) } && !path.contains("Generated/") && !path.contains("__pycache__") }
            .map { "\(folder)/\($0)" }
            .sorted()
    }
}

import Foundation

/// The files of this package, as the tidy tests see them: each is read once, and looked at as lines.
///
/// No `Regex` here: over every line of the package, in a debug build, it takes minutes.
enum Checkout {
    struct File {
        /// From the root, such as `Sources/Foundations/Time/Instant.swift`.
        var path: String
        var lines: [String]
        /// Written by a program, by other rules than ours.
        var isGenerated: Bool

        /// Of a file in Sources: `HTTP2` of `Sources/Protocols/HTTP2/Session.swift`. `martlet` is in no group.
        var module: String { String(parts[depth]) }
        /// Where in its module it is: `Head` of `Sources/Policy/Routing/Head/HeadFacts.swift`.
        var folder: String { parts.dropFirst(depth + 1).dropLast().joined(separator: "/") }

        private var parts: [Substring] { path.split(separator: "/") }
        private var depth: Int { path.hasPrefix("Sources/martlet/") ? 1 : 2 }
    }

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every file of code, in the order of paths.
    static let files: [File] = ["Sources", "Tests", "Scripts", "Protos"].flatMap(files(below:)).sorted { $0.path < $1.path }

    private static let endings: Set<String> = ["swift", "c", "h", "py", "proto"]

    private static func files(below folder: String) -> [File] {
        guard
            let walk = FileManager.default.enumerator(
                at: root.appendingPathComponent(folder), includingPropertiesForKeys: nil, options: .skipsHiddenFiles)
        else { return [] }
        let prefix = root.path.utf8.count + 1
        return walk.compactMap { entry in
            guard let url = entry as? URL, endings.contains(url.pathExtension), let data = try? Data(contentsOf: url) else {
                return nil
            }
            let path = String(url.path.utf8.dropFirst(prefix))!
            return File(path: path, lines: lines(of: data), isGenerated: path.contains("/Generated/"))
        }
    }

    static func lines(_ path: String) throws -> [String] {
        lines(of: try Data(contentsOf: root.appendingPathComponent(path)))
    }

    private static func lines(of data: Data) -> [String] {
        data.withUnsafeBytes { bytes in
            var lines: [String] = []
            var start = 0
            while start < bytes.count {
                let found = memchr(bytes.baseAddress! + start, 0x0A, bytes.count - start)
                let end = found.map { UnsafeRawPointer($0) - bytes.baseAddress! } ?? bytes.count
                lines.append(String(decoding: bytes[start..<end], as: UTF8.self))
                start = end + 1
            }
            return lines
        }
    }

    static func files(of folder: String) -> [File] { files.filter { $0.path.hasPrefix(folder + "/") } }

    static func files(ofModule name: String) -> [File] { files(of: "Sources").filter { $0.module == name } }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }

    static func entries(of folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path).sorted()
    }
}

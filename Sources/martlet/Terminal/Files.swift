import Config
import Control
internal import GatewayChecks
import GatewayModel
import Glibc
import Reactor

/// Only the executable opens files and reads the environment.
enum Files {
    /// A configuration, or a file that it refers to, of at most 64 MiB. Only regular files are read: opening anything else, such as a
    /// pipe without a writer, could block forever.
    static func bytes(_ path: String) -> Result<[UInt8], FileFailure> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { return .failure(FileFailure(ErrorNumber.text())) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return .failure(FileFailure(ErrorNumber.text())) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return contents(of: descriptor)
        case S_IFDIR: return .failure(FileFailure(ErrorNumber.text(EISDIR)))
        default: return .failure(FileFailure("it is not a regular file"))
        }
    }

    /// Another file given on the command line, read to its end. It may be a pipe.
    static func input(_ path: String) -> Result<[UInt8], FileFailure> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(FileFailure(ErrorNumber.text())) }
        defer { close(descriptor) }
        return contents(of: descriptor)
    }

    private static func contents(of descriptor: Int32) -> Result<[UInt8], FileFailure> {
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 { return .failure(FileFailure(ErrorNumber.text())) }
            if count == 0 { return .success(contents) }
            contents.append(contentsOf: chunk[..<count])
            if contents.count > 64 << 20 { return .failure(FileFailure("larger than 64 MiB")) }
        }
    }

    static func text(_ path: String) -> Result<String, FileFailure> {
        bytes(path).flatMap(text)
    }

    private static func text(_ bytes: [UInt8]) -> Result<String, FileFailure> {
        guard let text = String(validating: bytes, as: UTF8.self) else { return .failure(FileFailure("not UTF-8")) }
        return .success(text)
    }

    static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    static func unreadable(_ path: String, _ failure: FileFailure) -> Issue {
        Issue(at: Place(file: path, line: 1, column: 1), "cannot be read: \(failure.reason)")
    }

    /// How `serve` reads a configuration file.
    static func source(_ path: String) -> ConfigurationSource {
        ConfigurationSource(
            read: {
                switch text(path) {
                case .failure(let failure): return ConfigurationReading(nil, .none, [unreadable(path, failure)])
                case .success(let text):
                    return GatewayConfiguration.read(
                        text: text, file: path, environment: environment, readFile: Self.text)
                }
            }, readFile: bytes, serviceManager: environment("NOTIFY_SOCKET"))
    }
}

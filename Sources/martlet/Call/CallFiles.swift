import ArgumentParser
import Calling
import Config
import Glibc
import Reactor
import Transport

/// Files in the arguments of `martlet call`.
enum CallFiles {
    static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
        switch Files.input(path) {
        case .success(let bytes): return bytes
        case .failure(let failure): throw CommandFailure("\(path): \(failure.reason)")
        }
    }

    static func open(_ path: String) throws(CommandFailure) -> Int32 {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandFailure("\(path): \(ErrorNumber.text())") }
        return descriptor
    }

    /// The message does not show what was found: it may be a token.
    static func token(_ text: String) throws -> ClientCallHead.Metadata {
        let contents = text.hasPrefix("@") ? String(decoding: try read(String(text.dropFirst())), as: UTF8.self) : text
        guard let token = HeaderText.token(contents) else {
            throw CommandFailure("--token: found no valid token, expected a token or @FILE with one")
        }
        return token
    }
}

import Config
import GatewayChecks
import GatewayModel
import Glibc
import Testing

@testable import Control

@Suite struct PlaceCheckTests {
    /// A folder of this test's own, removed after it, with a file and a socket in it.
    private func told(log: (String) -> String = { _ in "off" }, listener: (String) -> String = { _ in "127.0.0.1:0" }) throws
        -> [String]
    {
        var template = Array("/tmp/martlet-places-XXXXXX".utf8CString)
        let folder = try #require(template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!).map { String(cString: $0) } })
        let file = folder + "/file"
        close(open(file, O_CREAT | O_WRONLY, 0o600))
        let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = folder + "/socket"
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        #expect(bound == 0)
        defer {
            close(socket)
            for path in [path, file, folder] { remove(path) }
        }
        let reading = GatewayConfiguration.draft(
            text: "access_log: \(log(folder))\nlisteners: [{ address: '\(listener(folder))' }]\n", file: "x.yaml",
            environment: { _ in nil }, readFile: { _ in .failure(FileFailure("no such file")) })
        return PlaceCheck.issues(of: try #require(reading.value), reading.places).map {
            "\($0.place.path): \($0.message.replacing("\"\(folder)", with: "\"/folder"))"
        }
    }

    @Test("a log can be appended to or made, and nothing is made by looking", arguments: ["/file", "/new"])
    func goodLog(name: String) throws {
        var path = ""
        #expect(
            try told(log: {
                path = $0 + name; return path
            }).isEmpty)
        #expect(access(path, F_OK) != 0)
    }

    @Test(
        "a log that cannot be is told",
        arguments: [
            ("", "access_log: found \"/folder\", which is a folder, expected a file in one"),
            ("/none/x.log", "access_log: found \"/folder/none/x.log\", whose folder cannot be opened: No such file or directory"),
            ("/file/x.log", "access_log: found \"/folder/file/x.log\", which cannot be opened: Not a directory"),
        ])
    func badLog(name: String, said: String) throws {
        #expect(try told(log: { $0 + name }) == [said])
    }

    @Test("a socket may be new, or replace one that is there", arguments: ["/new", "/socket"])
    func goodSocket(name: String) throws {
        #expect(try told(listener: { "unix:\($0)\(name)" }).isEmpty)
    }

    @Test(
        "a socket that cannot be is told, and a file is never taken for one",
        arguments: [
            (
                "/file",
                "listeners[0].address: found \"/folder/file\", which is there and is no socket, expected a path that is free"
            ),
            ("", "listeners[0].address: found \"/folder\", which is there and is no socket, expected a path that is free"),
            ("/none/s", "listeners[0].address: found \"/folder/none/s\", whose folder cannot be opened: No such file or directory"),
            ("/file/s", "listeners[0].address: found \"/folder/file/s\", whose folder is none: \"/folder/file\""),
        ])
    func badSocket(name: String, said: String) throws {
        #expect(try told(listener: { "unix:\($0)\(name)" }) == [said])
    }
}

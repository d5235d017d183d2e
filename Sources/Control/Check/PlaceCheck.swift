internal import Config
internal import Glibc
internal import GatewayModel
internal import Reactor
internal import Transport

/// Whether the places where a process will write and listen can be had, as far as that shows without taking them.
///
/// What others hold, such as a port, shows only at the start: a configuration is checked while its own gateway runs.
enum PlaceCheck {
    static func issues(of configuration: GatewayConfiguration) -> [Issue] {
        issues(of: configuration.listeners, admin: configuration.admin) + log(configuration.accessLog)
    }

    static func issues(of listeners: [ListenerConfiguration], admin: Located<NetworkAddress>) -> [Issue] {
        (listeners.map(\.address) + [admin]).compactMap { address in
            guard case .unix(let path) = address.value else { return nil }
            return issue(at: address.place, path, socket(path))
        }
    }

    private static func log(_ target: AccessLogTarget) -> [Issue] {
        guard case .file(let path) = target else { return [] }
        return [issue(at: path.place, path.value, file(path.value))].compactMap { $0 }
    }

    private static func issue(at place: Place, _ path: String, _ problem: String?) -> Issue? {
        problem.map { Issue(at: place, "found \(Quoted.text(path)), \($0)") }
    }

    /// What keeps a file from being appended to, or made.
    private static func file(_ path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            return ErrorNumber.last == ENOENT ? folder(of: path) : "which cannot be opened: \(ErrorNumber.text())"
        }
        if isKind(status, S_IFDIR) { return "which is a folder, expected a file in one" }
        return access(path, W_OK) == 0 ? nil : "which cannot be written: \(ErrorNumber.text())"
    }

    /// What keeps a socket from being made. Whether a process listens on one that is there shows at the start.
    private static func socket(_ path: String) -> String? {
        var status = stat()
        if lstat(path, &status) == 0, !isKind(status, S_IFSOCK) {
            return "which is there and is no socket, expected a path that is free"
        }
        return folder(of: path)
    }

    private static func folder(of path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        var folder = parts.joined(separator: "/")
        if folder.isEmpty { folder = path.hasPrefix("/") ? "/" : "." }
        var status = stat()
        guard stat(folder, &status) == 0 else { return "whose folder cannot be opened: \(ErrorNumber.text())" }
        guard isKind(status, S_IFDIR) else { return "whose folder is none: \(Quoted.text(folder))" }
        return access(folder, W_OK | X_OK) == 0 ? nil : "whose folder cannot be written: \(ErrorNumber.text())"
    }

    private static func isKind(_ status: stat, _ kind: mode_t) -> Bool { status.st_mode & S_IFMT == kind }
}

internal import Config
internal import GatewayModel
internal import Glibc
internal import Reactor
internal import Transport

/// Whether the places where a process will write and listen can be had, as far as that shows without taking them.
///
/// What others hold, such as a port, shows only at the start: a configuration is checked while its own gateway runs.
enum PlaceCheck {
    static func issues(of configuration: GatewayConfiguration, _ places: PlaceIndex) -> [Issue] {
        let findings = Findings(places)
        if case .file(let path) = configuration.accessLog, let problem = file(path) {
            findings.report("found \(Quoted.text(path)), \(problem)", at: ConfigurationPath("access_log"))
        }
        return issues(of: configuration.listeners, admin: configuration.admin, places) + findings.issues
    }

    static func issues(of listeners: [ListenerConfiguration], admin: NetworkAddress, _ places: PlaceIndex) -> [Issue] {
        let findings = Findings(places)
        func check(_ address: NetworkAddress, at path: ConfigurationPath) {
            guard case .unix(let name) = address, let problem = socket(name) else { return }
            findings.report("found \(Quoted.text(name)), \(problem)", at: path["address"])
        }
        for (index, listener) in listeners.enumerated() { check(listener.address, at: .listener(index)) }
        check(admin, at: ConfigurationPath("admin"))
        return findings.issues
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

internal import Config
internal import RateLimit

/// The passwords of a store that come from files: read again when these change.
final class StorePasswords {
    private let readFile: (String) -> Result<[UInt8], FileFailure>
    private let say: (String) -> Void
    private var location: RedisLocation?
    private var files = FileWatch()
    /// A file may have changed between the configuration's reading and its first watching.
    private var isUnsure = false

    /// - Parameter say: what the operator should know, once each time that a file changes.
    init(readFile: @escaping (String) -> Result<[UInt8], FileFailure>, say: @escaping (String) -> Void) {
        self.readFile = readFile
        self.say = say
    }

    /// Those of this store from now on.
    func keep(_ store: StoreLocation) {
        files = FileWatch()
        location = nil
        guard case .redis(let redis) = store else { return }
        let paths = [redis.password?.file, redis.sentinel?.password?.file].compactMap { $0 }
        guard !paths.isEmpty else { return }
        for path in paths { files.record(path) }
        location = redis
        isUnsure = true
    }

    /// The store with other passwords than before, where there are any. To be asked now and then.
    func changed() -> RedisLocation? {
        guard var location else { return nil }
        let paths = files.changed()
        guard isUnsure || !paths.isEmpty else { return nil }
        isUnsure = false
        location.password = location.password.map(reread)
        if let password = location.sentinel?.password { location.sentinel?.password = reread(password) }
        guard location != self.location else { return nil }
        self.location = location
        say("store \(location.description): its password has changed")
        return location
    }

    /// What is told where the store refuses it on a connection that is open.
    static func refusal(of store: String, _ words: String) -> String {
        "store \(store): does not accept the password that has changed, and is told it again each second: \(StoreTrouble.line(of: words))"
    }

    private func reread(_ former: Secret) -> Secret {
        guard let file = former.file else { return former }
        switch readFile(file) {
        case .failure(let failure):
            say("store: cannot read \(Quoted.text(file)): \(failure.reason); the former password stays")
        case .success(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self), let secret = Secret(contents: text, of: file) else {
                say("store: found no text in \(Quoted.text(file)), expected a password; the former one stays")
                return former
            }
            return secret
        }
        return former
    }
}

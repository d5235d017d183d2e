/// What is to be taken into service: a new configuration, or changed files.
struct Reload: Equatable {
    var rereading: Bool
    /// The files that the configuration names, where it is they.
    var changed: [String] = []

    /// Both at once.
    mutating func add(_ other: Reload) {
        rereading = rereading || other.rereading
        changed = rereading ? [] : changed + other.changed.filter { !changed.contains($0) }
    }

    /// For people, behind what became of it.
    var cause: String {
        guard !changed.isEmpty else { return "" }
        return
            " (changed: \(changed.prefix(3).joined(separator: ", "))\(changed.count > 3 ? " and \(changed.count - 3) more" : ""))"
    }
}

/// One reload at a time, since compiling proto files may take a while: what is asked for meanwhile is done at once, afterwards. Pure.
struct ReloadQueue {
    private var isRunning = false
    private var next: Reload?

    /// - Returns: whether to run it now; it is queued where another one runs.
    mutating func begin(_ reload: Reload) -> Bool {
        guard isRunning else {
            isRunning = true
            return true
        }
        if next?.add(reload) == nil { next = reload }
        return false
    }

    /// - Returns: what has been asked for meanwhile, to begin now.
    mutating func ended() -> Reload? {
        isRunning = false
        return next.take()
    }
}

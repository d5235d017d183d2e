internal import Glibc

/// Whether any of some files has changed since it was read: asked now and then, by size, time and inode.
///
/// Polled, because a watch on a file does not see what is renamed over it, or the symbolic links that container platforms
/// swap. What a file looked like is noted before it is read, so that no change falls between.
final class FileWatch {
    private var seen: [String: Mark] = [:]

    private struct Mark: Equatable {
        var inode: UInt64 = 0
        var size: Int64 = -1
        var seconds: Int = 0
        var nanoseconds: Int = 0

        init(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return }
            inode = UInt64(status.st_ino)
            size = Int64(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    /// A reader that has whatever it reads watched from now on.
    func watching<Contents>(_ read: @escaping (String) -> Contents) -> (String) -> Contents {
        { [self] path in
            record(path)
            return read(path)
        }
    }

    /// Watches a file, or which files a folder has: before it is looked at.
    func record(_ path: String) {
        if seen[path] == nil { seen[path] = Mark(path) }
    }

    /// Watches besides what another one does.
    func add(_ other: FileWatch) { seen.merge(other.seen) { own, _ in own } }

    /// What has changed since this was last asked.
    func changed() -> [String] {
        var changed: [String] = []
        for (path, mark) in seen {
            let now = Mark(path)
            if now != mark {
                seen[path] = now
                changed.append(path)
            }
        }
        return changed.sorted()
    }
}

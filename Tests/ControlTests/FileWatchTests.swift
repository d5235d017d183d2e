import Glibc
import Testing

@testable import Control

@Suite("Watching files")
struct FileWatchTests {
    /// A folder of its own, gone with it.
    final class Folder {
        let path: String

        init() {
            var template = Array("/tmp/martlet-watch-XXXXXX".utf8CString)
            path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        }

        deinit {
            for name in ["a", "b", "now", "old", "new", "link"] { unlink("\(path)/\(name)") }
            rmdir(path)
        }

        func file(_ name: String) -> String { "\(path)/\(name)" }

        func write(_ name: String, _ text: String) {
            let descriptor = open(file(name), O_CREAT | O_TRUNC | O_WRONLY, 0o600)
            _ = text.withCString { Glibc.write(descriptor, $0, strlen($0)) }
            close(descriptor)
        }
    }

    let folder = Folder()

    /// A watch that has read these.
    func watch(_ names: String...) -> FileWatch {
        let watch = FileWatch()
        let read = watch.watching { _ in }
        for name in names { read(folder.file(name)) }
        return watch
    }

    @Test("a change is told once")
    func changed() {
        folder.write("a", "1")
        let watch = watch("a")
        #expect(watch.changed().isEmpty)
        folder.write("a", "22")
        #expect(watch.changed() == [folder.file("a")])
        #expect(watch.changed().isEmpty)
    }

    @Test("a file of the same size renamed over it is a change")
    func renamed() {
        folder.write("a", "1")
        folder.write("b", "2")
        let watch = watch("a")
        rename(folder.file("b"), folder.file("a"))
        #expect(!watch.changed().isEmpty)
    }

    @Test("another file in a folder is a change of the folder")
    func folders() {
        let watch = FileWatch()
        watch.record(folder.path)
        #expect(watch.changed().isEmpty)
        folder.write("new", "1")
        #expect(!watch.changed().isEmpty)
        #expect(watch.changed().isEmpty)
    }

    @Test("what another one watches is watched besides")
    func added() {
        for name in ["a", "b"] { folder.write(name, "1") }
        let watch = watch("a")
        watch.add(self.watch("b"))
        folder.write("b", "22")
        #expect(!watch.changed().isEmpty)
    }

    @Test("a link that leads elsewhere is a change")
    func link() {
        folder.write("old", "1")
        folder.write("new", "2")
        symlink(folder.file("old"), folder.file("link"))
        let watch = watch("link")
        symlink(folder.file("new"), folder.file("now"))
        rename(folder.file("now"), folder.file("link"))
        #expect(!watch.changed().isEmpty)
        #expect(watch.changed().isEmpty)
    }

    @Test("a file that appears or goes is a change")
    func existence() {
        let watch = watch("a")
        #expect(watch.changed().isEmpty)
        folder.write("a", "1")
        #expect(!watch.changed().isEmpty)
        unlink(folder.file("a"))
        #expect(!watch.changed().isEmpty)
        #expect(watch.changed().isEmpty)
    }

    @Test("what changes while it is read was changed")
    func changedWhileRead() {
        folder.write("a", "1")
        let watch = FileWatch()
        let read = watch.watching { _ in folder.write("a", "22") }
        read(folder.file("a"))
        #expect(!watch.changed().isEmpty)
    }

    @Test("files that nobody read are not watched")
    func others() {
        folder.write("a", "1")
        let watch = watch("a")
        folder.write("b", "1")
        #expect(watch.changed().isEmpty)
    }
}

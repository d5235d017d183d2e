import Config
import Glibc
import Schemas
import Testing

@testable import Control
@testable import Gateway

@Suite("Proto files and those who compile them")
struct ProtoCompilerTests {
    private static let folders = [SchemaFolders.Protos(folder: "protos", files: ["v1/a.proto", "b.proto"])]

    @Test(
        "what protoc complains about has its place in the folder",
        arguments: [
            ("v1/a.proto:12:3: \"X\" is not defined.", "protos/v1/a.proto:12:3", "\"X\" is not defined.", false),
            ("b.proto:1:1: warning: Import c.proto is unused.", "protos/b.proto:1:1", "Import c.proto is unused.", true),
            ("b.proto: File not found.", "protos/b.proto:1:1", "File not found.", false),
            ("c.proto:1:2: other", "", "c.proto:1:2: other", false),
        ])
    func complaints(line: String, place: String, text: String, isWarning: Bool) {
        let complaint = ProtoCompiler.complaint(line[...], Self.folders)
        #expect(complaint.place.map { "\($0.file):\($0.line):\($0.column)" } ?? "" == place)
        #expect(complaint.text == text && complaint.isWarning == isWarning)
    }

    @Test("a compiler that is not installed is said to be missing")
    func missing() {
        let compiled = ProtoCompiler.compile(Self.folders, program: "no-such-protoc")
        #expect(
            compiled.set == nil
                && compiled.complaints.map(\.text) == [
                    "no-such-protoc cannot compile the proto files: it is not installed; descriptors need no compiler"
                ])
    }

    @Test("another program's output, errors and status come back")
    func subprocess() throws {
        let result = try Subprocess.run(
            "sh", ["-c", "printf out; printf err >&2; exit 3"], timeLimit: .seconds(60), outputBytesMax: 100)
        #expect((result.output, result.errors, result.status) == (Array("out".utf8), Array("err".utf8), 3))
    }

    @Test("one that takes too long, or says too much, is ended")
    func bounds() {
        #expect(throws: Subprocess.Failure.tooLong) {
            try Subprocess.run("sleep", ["1000"], timeLimit: .milliseconds(20), outputBytesMax: 100)
        }
        #expect(throws: Subprocess.Failure.tooMuch) {
            try Subprocess.run("sh", ["-c", "while :; do echo more; done"], timeLimit: .seconds(60), outputBytesMax: 100)
        }
    }

    @Test("a folder's files are found below it, hidden ones are not, and every folder is noted")
    func listing() throws {
        var template = Array("/tmp/martlet-listing-XXXXXX".utf8CString)
        let root = String(cString: mkdtemp(&template))
        defer { _ = try? Subprocess.run("rm", ["-r", root], timeLimit: .seconds(60), outputBytesMax: 100) }
        for folder in ["\(root)/v1", "\(root)/.git"] { mkdir(folder, 0o755) }
        for file in ["b.proto", "v1/a.proto", ".hidden.proto", ".git/c.proto", "README"] {
            close(open("\(root)/\(file)", O_CREAT | O_WRONLY, 0o644))
        }
        var noted: [String] = []
        let listing = FolderListing(endings: [".proto"]) { noted.append($0) }
        #expect(try listing.files(of: root)?.get() == ["b.proto", "v1/a.proto"])
        #expect(noted == [root, "\(root)/v1"])
        #expect(listing.files(of: "\(root)/b.proto") == nil && listing.files(of: "\(root)/none") == nil)
    }
}

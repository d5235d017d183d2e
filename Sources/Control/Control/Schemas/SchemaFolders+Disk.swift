internal import Config
internal import Gateway
internal import Glibc
internal import Reactor
internal import Schemas

extension SchemaFolders {
    /// - Parameter recording: hears of every folder and every proto file before it is looked at.
    static func onDisk(recording: @escaping (String) -> Void) -> SchemaFolders {
        SchemaFolders(
            list: { folder, endings in FolderListing(endings: endings, recording: recording).files(of: folder) },
            compile: { folders in
                for protos in folders { for file in protos.files { recording("\(protos.folder)/\(file)") } }
                return ProtoCompiler.compile(folders)
            })
    }
}

/// The files below a folder. Hidden ones and links to folders are passed over.
struct FolderListing {
    let endings: [String]
    let recording: (String) -> Void

    static let depthMax = 32
    static let filesMax = 10_000

    /// `nil` where it is no folder.
    func files(of folder: String) -> Result<[String], FileFailure>? {
        var status = stat()
        guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        var found: [String] = []
        do throws(FileFailure) {
            try collect(folder, below: "", depth: 0, into: &found)
        } catch { return .failure(error) }
        return .success(found.sorted())
    }

    private func collect(_ root: String, below path: String, depth: Int, into found: inout [String]) throws(FileFailure) {
        guard depth < Self.depthMax else { throw FileFailure("more than \(Self.depthMax) folders inside each other") }
        let folder = path.isEmpty ? root : "\(root)/\(path)"
        recording(folder)
        for name in try Self.names(in: folder) where !name.hasPrefix(".") {
            let inner = path.isEmpty ? name : "\(path)/\(name)"
            var status = stat()
            guard lstat("\(root)/\(inner)", &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                try collect(root, below: inner, depth: depth + 1, into: &found)
            } else if endings.contains(where: { name.hasSuffix($0) }) {
                // A link that leads nowhere fails when it is read. Pipes and the like could be waited for in vain.
                if stat("\(root)/\(inner)", &status) == 0, status.st_mode & S_IFMT != S_IFREG {
                    guard status.st_mode & S_IFMT != S_IFDIR else { continue }
                    throw FileFailure("\(inner) is not a regular file")
                }
                found.append(inner)
                guard found.count <= Self.filesMax else { throw FileFailure("more than \(Self.filesMax) files") }
            }
        }
    }

    private static func names(in folder: String) throws(FileFailure) -> [String] {
        guard let stream = opendir(folder) else { throw FileFailure(ErrorNumber.text()) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }
}

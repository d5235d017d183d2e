internal import Config
internal import Gateway
internal import Schemas

/// Compiles proto files with `protoc`, and reads what it complains about.
enum ProtoCompiler {
    /// A compiler that takes longer is stuck.
    static let timeLimit = Duration.seconds(20)
    static let setBytesMax = 64 << 20

    static func compile(
        _ folders: [SchemaFolders.Protos], program: String = "protoc", among running: RunningSubprocesses = RunningSubprocesses()
    ) -> SchemaFolders.Compiled {
        let words =
            ["--include_imports", "--descriptor_set_out=/dev/stdout"] + folders.map { "-I\($0.folder)" } + folders.flatMap(\.files)
        do throws(Subprocess.Failure) {
            let result = try Subprocess.run(program, words, timeLimit: timeLimit, outputBytesMax: setBytesMax, among: running)
            var complaints = String(decoding: result.errors, as: UTF8.self).split(separator: "\n").map { complaint($0, folders) }
            if result.status == 0 { return SchemaFolders.Compiled(set: result.output, complaints: complaints) }
            if complaints.allSatisfy(\.isWarning) { complaints.append(about(program, "it ended with status \(result.status)")) }
            return SchemaFolders.Compiled(set: nil, complaints: complaints)
        } catch {
            let reason =
                switch error {
                case .notFound: "it is not installed; descriptors need no compiler"
                case .notStarted(let text): text
                case .tooLong: "it took longer than \(timeLimit)"
                case .ending: "martlet is leaving"
                case .tooMuch: "it wrote more than \(setBytesMax >> 20) MiB"
                }
            return SchemaFolders.Compiled(set: nil, complaints: [about(program, reason)])
        }
    }

    private static func about(_ program: String, _ text: String) -> SchemaFolders.Complaint {
        SchemaFolders.Complaint(place: nil, text: "\(program) cannot compile the proto files: \(text)", isWarning: false)
    }

    /// `orders.proto:12:3: "Order" is not defined.`, or a line about the whole file, or about none.
    static func complaint(_ line: Substring, _ folders: [SchemaFolders.Protos]) -> SchemaFolders.Complaint {
        var place: Place?
        var text = line
        for protos in folders where place == nil {
            guard let file = protos.files.first(where: { line.hasPrefix("\($0):") }) else { continue }
            text = line.dropFirst(file.count + 1)
            let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            var (row, column) = (1, 1)
            if parts.count == 3, let first = Int(parts[0]), let second = Int(parts[1]) {
                (row, column) = (max(first, 1), max(second, 1))
                text = parts[2]
            }
            place = Place(file: "\(protos.folder)/\(file)", line: row, column: column)
        }
        var message = String(text.drop { $0 == " " })
        var isWarning = false
        if message.hasPrefix("warning: ") {
            isWarning = true
            message = String(message.dropFirst(9))
        }
        return SchemaFolders.Complaint(place: place, text: message, isWarning: isWarning)
    }
}

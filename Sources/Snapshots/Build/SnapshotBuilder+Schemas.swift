internal import Config
internal import GatewayModel
internal import Protobuf
internal import Schemas
internal import Transcoding
internal import Transport
internal import Upstreams

extension SnapshotBuilder {
    /// What the files of descriptor sets are called, where a folder of such is named.
    private static var setEndings: [String] { [".binpb", ".pb", ".desc", ".protoset", ".fds"] }

    /// How the cluster's methods are reached in JSON, with what is wrong with its descriptors by name. `nil` too where its
    /// schema has not been told yet.
    mutating func transcoding(_ cluster: ClusterConfiguration) -> TranscodingPlan? {
        guard let schema = cluster.schema, let files = schemaFiles(schema, of: cluster.name.value) else { return nil }
        do throws(SchemaFailure) {
            let plan = try SchemaPlan(schema.value).transcoding(of: files).plan
            for problem in plan.problems { self.files.report(problem, at: schema.place, severity: .warning) }
            var severity = Issue.Severity.error
            // What the endpoints will tell next is not known.
            if case .reflection = schema.value.source { severity = .warning }
            for mistake in plan.mistakes {
                self.files.report(mistake.problem, at: schema.value.rules[mistake.rule].method.place, severity: severity)
            }
            return plan
        } catch {
            for problem in error.problems { self.files.report(problem, at: schema.place) }
            return nil
        }
    }

    private mutating func schemaFiles(_ schema: Located<SchemaConfiguration>, of cluster: String) -> [[UInt8]]? {
        switch schema.value.source {
        case .reflection: surroundings.schemas.known[cluster]?.files
        case .descriptors(let paths): descriptors(paths)
        case .protos(let folders): protos(folders, at: schema.place)
        }
    }

    /// Each file of the sets, as the bytes of a FileDescriptorProto; `nil` where one cannot be read.
    private mutating func descriptors(_ paths: [Located<String>]) -> [[UInt8]]? {
        var found: [[UInt8]] = []
        var isWhole = true
        var sets: [Located<String>] = []
        for path in paths {
            if let some = self.sets(at: path) { sets += some } else { isWhole = false }
        }
        for path in sets {
            guard let set = files.bytes(path) else {
                isWhole = false
                continue
            }
            do throws(WireFailure) { found += try DescriptorSet.files(in: set) } catch {
                files.report("found \(Quoted.text(path.value)), which is no descriptor set: no protobuf (\(error))", at: path.place)
                isWhole = false
            }
        }
        return isWhole ? found : nil
    }

    /// The file itself, or those of the folder.
    private mutating func sets(at path: Located<String>) -> [Located<String>]? {
        guard let listed = surroundings.folders.list(path.value, Self.setEndings) else { return [path] }
        return files(listed, of: path, called: "descriptor set (\(Self.setEndings.joined(separator: ", ")))")?
            .map { Located("\(path.value)/\($0)", at: path.place) }
    }

    private mutating func files(
        _ listed: Result<[String], FileFailure>, of folder: Located<String>, called kind: String
    ) -> [String]? {
        switch listed {
        case .success(let found) where found.isEmpty:
            files.report("found \(Quoted.text(folder.value)), a folder without any \(kind)", at: folder.place)
            return nil
        case .success(let found): return found
        case .failure(let failure):
            files.report("found \(Quoted.text(folder.value)), which cannot be read: \(failure.reason)", at: folder.place)
            return nil
        }
    }

    private mutating func protos(_ folders: [Located<String>], at place: Place) -> [[UInt8]]? {
        var found: [SchemaFolders.Protos] = []
        for folder in folders {
            guard let listed = surroundings.folders.list(folder.value, [".proto"]) else {
                files.report(
                    "found \(Quoted.text(folder.value)), which is no folder, expected one with proto files", at: folder.place)
                continue
            }
            guard let names = files(listed, of: folder, called: "proto file") else { continue }
            found.append(SchemaFolders.Protos(folder: folder.value, files: names))
        }
        guard found.count == folders.count else { return nil }
        let compiled = surroundings.folders.compile(found)
        for complaint in compiled.complaints {
            files.report(complaint.text, at: complaint.place ?? place, severity: complaint.isWarning ? .warning : .error)
        }
        return compiled.set.flatMap { try? DescriptorSet.files(in: $0) }
    }
}

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
    /// schema is not known yet.
    mutating func transcoding(_ cluster: ClusterConfiguration) -> TranscodingPlan? {
        let path = ConfigurationPath.cluster(cluster.name)["schema"]
        guard let schema = cluster.schema, let files = schemaFiles(schema, of: cluster.name, at: path) else { return nil }
        do throws(SchemaFailure) {
            let plan = try SchemaPlan(schema).transcoding(of: files).plan
            for problem in plan.problems { self.files.report(problem, at: path, severity: .warning) }
            var severity = Issue.Severity.error
            // The endpoints' next answer is not known.
            if case .reflection = schema.source { severity = .warning }
            for mistake in plan.mistakes {
                self.files.report(mistake.problem, at: path["rules"][mistake.rule]["method"], severity: severity)
            }
            return plan
        } catch {
            for problem in error.problems { self.files.report(problem, at: path) }
            return nil
        }
    }

    private mutating func schemaFiles(
        _ schema: SchemaConfiguration, of cluster: String, at path: ConfigurationPath
    ) -> [[UInt8]]? {
        switch schema.source {
        case .reflection: surroundings.schemas.known[cluster]?.files
        case .descriptors(let names): descriptors(names, at: path["descriptors"])
        case .protos(let folders): protos(folders, at: path)
        }
    }

    /// Each file of the sets, as the bytes of a FileDescriptorProto; `nil` where one cannot be read.
    private mutating func descriptors(_ names: [String], at path: ConfigurationPath) -> [[UInt8]]? {
        var found: [[UInt8]] = []
        var isWhole = true
        var sets: [(name: String, path: ConfigurationPath)] = []
        for (index, name) in names.enumerated() {
            if let some = self.sets(named: name, at: path[index]) {
                sets += some.map { ($0, path[index]) }
            } else {
                isWhole = false
            }
        }
        for (name, path) in sets {
            guard let set = files.bytes(name, at: path) else {
                isWhole = false
                continue
            }
            do throws(WireFailure) { found += try DescriptorSet.files(in: set) } catch {
                files.report("found \(Quoted.text(name)), which is no descriptor set: no protobuf (\(error))", at: path)
                isWhole = false
            }
        }
        return isWhole ? found : nil
    }

    /// The file itself, or those of the folder.
    private mutating func sets(named name: String, at path: ConfigurationPath) -> [String]? {
        guard let listed = surroundings.folders.list(name, Self.setEndings) else { return [name] }
        return files(listed, of: name, at: path, called: "descriptor set (\(Self.setEndings.joined(separator: ", ")))")?
            .map { "\(name)/\($0)" }
    }

    private mutating func files(
        _ listed: Result<[String], FileFailure>, of folder: String, at path: ConfigurationPath, called kind: String
    ) -> [String]? {
        switch listed {
        case .success(let found) where found.isEmpty:
            files.report("found \(Quoted.text(folder)), a folder without any \(kind)", at: path)
            return nil
        case .success(let found): return found
        case .failure(let failure):
            files.report("found \(Quoted.text(folder)), which cannot be read: \(failure.reason)", at: path)
            return nil
        }
    }

    /// - Parameter path: of the schema.
    private mutating func protos(_ folders: [String], at path: ConfigurationPath) -> [[UInt8]]? {
        var found: [SchemaFolders.Protos] = []
        for (index, folder) in folders.enumerated() {
            let folderPath = path["protos"][index]
            guard let listed = surroundings.folders.list(folder, [".proto"]) else {
                files.report("found \(Quoted.text(folder)), which is no folder, expected one with proto files", at: folderPath)
                continue
            }
            guard let names = files(listed, of: folder, at: folderPath, called: "proto file") else { continue }
            found.append(SchemaFolders.Protos(folder: folder, files: names))
        }
        guard found.count == folders.count else { return nil }
        let compiled = surroundings.folders.compile(found)
        for complaint in compiled.complaints {
            let severity = complaint.isWarning ? Issue.Severity.warning : .error
            if let place = complaint.place {
                files.add([Issue(at: place, complaint.text, severity: severity)])
            } else {
                files.report(complaint.text, at: path, severity: severity)
            }
        }
        return compiled.set.flatMap { try? DescriptorSet.files(in: $0) }
    }
}

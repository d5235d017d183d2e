extension Schema {
    /// A service that is not in the schema, because something that it needs was not given or is wrong.
    package struct LeftOut: Equatable, Sendable {
        package var service: String
        package var reason: String

        package init(service: String, reason: String) {
            self.service = service
            self.reason = reason
        }
    }

    /// Beyond so many files with services, contradictions among them are not taken apart.
    private static let partsMax = 100

    /// What of these files can be linked: for files that a server tells of itself, where one mistake is no reason to serve nothing.
    ///
    /// Services that need a type that is not there are left out. Where files contradict each other, so are those of a file that
    /// does not fit what comes before it.
    ///
    /// - Throws: where no service is left that way.
    package static func serviceable(files: [[UInt8]]) throws(SchemaFailure) -> (schema: Schema, leftOut: [LeftOut]) {
        do throws(SchemaFailure) { return try complete(files) } catch { return try parts(of: files, otherwise: error) }
    }

    private static func complete(_ files: [[UInt8]]) throws(SchemaFailure) -> (schema: Schema, leftOut: [LeftOut]) {
        var linker = Linker()
        for bytes in files { linker.read(bytes) }
        linker.addWellKnownFiles()
        let leftOut = linker.leaveOutIncomplete()
        return (Schema(try linker.link()), leftOut)
    }

    private static func parts(
        of files: [[UInt8]], otherwise failure: SchemaFailure
    ) throws(SchemaFailure) -> (schema: Schema, leftOut: [LeftOut]) {
        var known: [String: (bytes: [UInt8], file: FileDescription)] = [:]
        var serving: [FileDescription] = []
        for bytes in files {
            guard let file = try? FileDescription(bytes), known[file.name] == nil else { continue }
            known[file.name] = (bytes, file)
            if !file.services.isEmpty { serving.append(file) }
        }
        guard serving.count <= partsMax else { throw failure }
        var kept: Set<String> = []
        var found: (schema: Schema, leftOut: [LeftOut])?
        var leftOut: [LeftOut] = []
        for file in serving {
            var tried = kept
            var waiting = [file.name]
            while let name = waiting.popLast() {
                guard let imports = known[name]?.file.imports, tried.insert(name).inserted else { continue }
                waiting += imports
            }
            do throws(SchemaFailure) {
                found = try complete(tried.sorted().compactMap { known[$0]?.bytes })
                kept = tried
            } catch {
                let reason = error.problems.joined(separator: "; ")
                leftOut += file.services.map { LeftOut(service: Linker.join(file.package, $0.name), reason: reason) }
            }
        }
        guard let found, !found.schema.services.isEmpty else { throw failure }
        return (found.schema, found.leftOut + leftOut)
    }
}

internal import Config

extension Grammar where Value == SchemaConfiguration {
    static var schema: Grammar {
        let mapping = Grammar.section(expected: "reflection, or a mapping with descriptors, protos or reflection") { section in
            let source = source(in: section)
            let rules = section.value("rules", .list(of: .httpRule, isEmptyAllowed: true), default: [])
            let bytes = section.value("message_bytes", .byteSize(1024...(1 << 30)), default: 4 << 20)
            return source.map { SchemaConfiguration(source: $0, rules: rules, messageBytesMax: bytes) }
        }
        return Grammar(expected: mapping.expected) { node, reader, expected in
            if let scalar = node.scalar, !scalar.isBroken, scalar.text == "reflection" {
                return SchemaConfiguration(source: .reflection(ReflectionSettings()))
            }
            return mapping.expecting(expected).read(node, reader)
        }
    }

    private static func source(in section: Section) -> SchemaConfiguration.Source? {
        let path = Grammar<String>.path("a file with a descriptor set, or of a folder of such")
        let folder = Grammar<String>.path("a folder of proto files")
        let descriptors = section.optional("descriptors", .list(of: path))
        let protos = section.optional("protos", .list(of: folder))
        let reflection = section.optional("reflection", .reflection)
        section.exclude("descriptors", with: "protos")
        section.exclude("descriptors", with: "reflection")
        if !section.has("descriptors") { section.exclude("protos", with: "reflection") }
        if !section.has("protos"), !section.has("reflection"), !section.has("descriptors") {
            section.report("says nothing of where the schema is, expected descriptors, protos or reflection")
        }
        return descriptors.map { .descriptors($0) } ?? protos.map { .protos($0) } ?? reflection.map { .reflection($0) }
    }
}

extension Grammar where Value == ReflectionSettings {
    fileprivate static var reflection: Grammar {
        .section(expected: "a mapping, {} for the defaults") { section in
            var settings = ReflectionSettings()
            settings.interval = section.value("interval", .duration(.seconds(1) ... .seconds(86_400)), default: settings.interval)
            settings.timeout = section.value("timeout", .timeout, default: settings.timeout)
            return settings
        }
    }
}

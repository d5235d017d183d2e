package import Config

/// Where the schema of a cluster's services comes from.
package struct SchemaConfiguration: Sendable, Equatable {
    package var source: Source

    package enum Source: Sendable, Equatable {
        /// The endpoints tell it.
        case reflection(ReflectionSettings)
        /// Files with a FileDescriptorSet each, or folders of such.
        case descriptors([Located<String>])
    }
}

/// When the endpoints of a cluster are asked for their schema.
package struct ReflectionSettings: Sendable, Equatable {
    /// From one good answer to the next question.
    package var interval = Duration.seconds(60)
    /// For a connection and all its answers.
    package var timeout = Duration.seconds(10)

    package init() {}
}

extension Grammar where Value == SchemaConfiguration {
    static var schema: Grammar {
        let mapping = Grammar.section(expected: "reflection, or a mapping with reflection or descriptors") { section in
            source(in: section).map { SchemaConfiguration(source: $0) }
        }
        return Grammar(expected: mapping.expected) { node, reader, expected in
            if let scalar = node.scalar, !scalar.isBroken, scalar.text == "reflection" {
                return SchemaConfiguration(source: .reflection(ReflectionSettings()))
            }
            return mapping.expecting(expected).read(node, reader)
        }
    }

    private static func source(in section: Section) -> SchemaConfiguration.Source? {
        section.exclude("reflection", with: "descriptors")
        if section.has("reflection") { return section.optional("reflection", .reflection).map { .reflection($0) } }
        let path = Grammar<Located<String>>.located(.path("a file with a descriptor set, or of a folder of such"))
        return section.required("descriptors", .list(of: path)).map { .descriptors($0) }
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

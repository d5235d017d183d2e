package import Config

/// Where the schema of a cluster's services comes from.
package enum SchemaConfiguration: Sendable, Equatable {
    /// Files with a FileDescriptorSet each.
    case descriptors([Located<String>])
}

extension Grammar where Value == SchemaConfiguration {
    static var schema: Grammar {
        .section(expected: "a mapping with descriptors") { section in
            section.required("descriptors", .list(of: .located(.path("a file with a descriptor set")))).map { .descriptors($0) }
        }
    }
}

/// Where the schema of a cluster's services comes from.
package struct SchemaConfiguration: Sendable, Equatable {
    package var source: Source
    package var rules: [HTTPRuleConfiguration] = []
    /// The largest message, in JSON or in protobuf.
    package var messageBytesMax = 4 << 20

    package enum Source: Sendable, Equatable {
        /// Asked of the endpoints.
        case reflection(ReflectionSettings)
        /// Files with a FileDescriptorSet each, or folders of such.
        case descriptors([String])
        /// Folders of proto files, for protoc to compile.
        case protos([String])
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

internal import Protobuf
internal import Transcoding

/// How the files of a cluster's schema are made into what calls are transcoded by.
package struct SchemaPlan: Sendable, Equatable {
    /// `nil` where the files come from elsewhere.
    package var reflection: ReflectionSettings?

    init(_ configuration: SchemaConfiguration) {
        if case .reflection(let settings) = configuration.source { reflection = settings }
    }

    /// - Parameter files: each the bytes of one FileDescriptorProto.
    func transcoding(of files: [[UInt8]]) throws(SchemaFailure) -> TranscodingPlan {
        let plan = TranscodingPlan(schema: try Schema(files: files))
        guard !plan.bindings.isEmpty else {
            throw SchemaFailure(problems: ["found no service in the descriptors, expected at least one"])
        }
        return plan
    }
}

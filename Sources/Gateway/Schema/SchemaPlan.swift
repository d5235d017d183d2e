internal import Config
internal import Protobuf
internal import Transcoding

/// How the files of a cluster's schema are made into what calls are transcoded by.
package struct SchemaPlan: Sendable, Equatable {
    /// `nil` where the files come from elsewhere.
    package var reflection: ReflectionSettings?
    private let rules: [TranscodingPlan.Rule]
    private let options: TranscodingOptions

    init(_ configuration: SchemaConfiguration) {
        rules = configuration.rules.map { TranscodingPlan.Rule(selector: $0.method.value, rule: $0.rule) }
        var options = TranscodingOptions()
        options.messageBytesMax = configuration.messageBytesMax
        self.options = options
        if case .reflection(let settings) = configuration.source { reflection = settings }
    }

    /// - Parameter files: each the bytes of one FileDescriptorProto.
    func transcoding(of files: [[UInt8]]) throws(SchemaFailure) -> TranscodingPlan {
        var schema = try Schema(files: files)
        // Somebody's own file of that name is not to stand in the way.
        if let more = ErrorDetails.joined(to: files, of: schema), let whole = try? Schema(files: more) { schema = whole }
        let plan = TranscodingPlan(schema: schema, rules: rules, options: options)
        guard !plan.bindings.isEmpty else {
            throw SchemaFailure(problems: ["found no service in the descriptors, expected at least one"])
        }
        return plan
    }
}

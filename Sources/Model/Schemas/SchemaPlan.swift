internal import Config
package import GatewayModel
package import Protobuf
package import Transcoding

/// How the files of a cluster's schema are made into what calls are transcoded by.
package struct SchemaPlan: Sendable, Equatable {
    /// `nil` where the files come from elsewhere.
    package var reflection: ReflectionSettings?
    private let rules: [TranscodingPlan.Rule]
    private let options: TranscodingOptions

    package init(_ configuration: SchemaConfiguration) {
        rules = configuration.rules.map { TranscodingPlan.Rule(selector: $0.method, rule: $0.rule) }
        var options = TranscodingOptions()
        options.messageBytesMax = configuration.messageBytesMax
        self.options = options
        if case .reflection(let settings) = configuration.source { reflection = settings }
    }

    /// - Parameter files: each the bytes of one FileDescriptorProto.
    /// - Returns: and, of what servers tell of themselves, the services that cannot be served.
    package func transcoding(of files: [[UInt8]]) throws(SchemaFailure) -> (plan: TranscodingPlan, leftOut: [Schema.LeftOut]) {
        var schema: Schema
        var leftOut: [Schema.LeftOut] = []
        if reflection == nil {
            schema = try Schema(files: files)
        } else {
            (schema, leftOut) = try Schema.serviceable(files: files)
        }
        // A user's own file of that name must not conflict.
        if let more = ErrorDetails.joined(to: files, of: schema) {
            if reflection == nil {
                schema = (try? Schema(files: more)) ?? schema
            } else if let whole = try? Schema.serviceable(files: more),
                whole.leftOut == leftOut
            {
                schema = whole.schema
            }
        }
        let plan = TranscodingPlan(schema: schema, rules: rules, options: options)
        guard !plan.bindings.isEmpty else {
            throw SchemaFailure(
                problems: ["found no service in the descriptors, expected at least one"]
                    + leftOut.map { "\($0.service) is left out: \($0.reason)" })
        }
        return (plan, leftOut)
    }
}

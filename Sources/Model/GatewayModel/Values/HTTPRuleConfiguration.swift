package import Protobuf

/// How one method is reached by HTTP, instead of by the annotation of its proto file.
package struct HTTPRuleConfiguration: Sendable, Equatable {
    /// `pkg.Service.Method`.
    package var method: String
    package var rule: HTTPRule
}

/// One method: what goes in, what comes out, and how often.
package struct MethodSchema: @unchecked Sendable {
    /// `/pkg.Service/Method`.
    package let path: String
    package let serviceName: String
    package let name: String
    package let input: UnsafePointer<MessageSchema>
    package let output: UnsafePointer<MessageSchema>
    package let clientStreams: Bool
    package let serverStreams: Bool
    /// `idempotency_level = NO_SIDE_EFFECTS`: may be called by GET.
    package let isSideEffectFree: Bool
    /// `idempotency_level` is `NO_SIDE_EFFECTS` or `IDEMPOTENT`.
    package let isIdempotent: Bool
    /// Its `google.api.http` annotation.
    package let rule: HTTPRule?

    /// `pkg.Service.Method`, as rules select it.
    package var fullName: String { serviceName + "." + name }
}

package struct ServiceSchema: Sendable {
    package let fullName: String
    /// Places in the schema's `methods`.
    package let methods: Range<Int>
}

package import AccessControl

/// Where callers are told what they can call by HTTP and JSON.
package struct OpenAPIConfiguration: Sendable, Equatable {
    package var title: String
    /// The path of the OpenAPI document.
    package var document: String
    /// The path of the page to try calls from; `nil` for none.
    package var page: String?
    /// Of both.
    package var access: AccessRules
}

package import AccessControl

/// The section `openapi`: where the API's documents are served.
package struct OpenAPIConfiguration: Sendable, Equatable {
    package var title: String
    /// The path of the OpenAPI document.
    package var document: String
    /// The path of the page to try calls from; `nil` for none.
    package var page: String?
    /// Of both.
    package var access: AccessRules
}

package import Bytes
package import HTTPModel
package import Snapshots

/// What a request's head says of the page that sent it (Fetch, section 3.2.2), read in one pass.
package struct CORSRequest {
    /// The page's origin; `nil` where none is named, or more than one, or an empty one.
    package private(set) var origin: BorrowedBytes?
    /// The method that a preflight asks about; `nil` where the request is no preflight. Only OPTIONS with Origin and
    /// Access-Control-Request-Method is one (Fetch, section 3.2.2): no page sends it itself.
    package private(set) var preflightMethod: BorrowedBytes?

    /// The names of the fields that a preflight asks about.
    package private(set) var preflightHeaders: BorrowedBytes?

    /// A preflight of a page in a public network asks whether it may call a private one (Private Network Access, section 3.1.2).
    package private(set) var asksForPrivateNetwork = false

    /// The page's origin, where the policy lets it read answers.
    package func origin(for policy: CORSPolicy) -> BorrowedBytes? { origin.flatMap { policy.allows($0) ? $0 : nil } }

    package init(_ fields: FieldBlock, method: BorrowedBytes) {
        var originCount = 0
        for index in 0..<fields.count {
            let field = fields.fields[index]
            guard field.token == .other else { continue }
            if field.nameBytes.equals("origin") {
                originCount += 1
                origin = field.valueBytes
            } else if preflightMethod == nil, field.nameBytes.equals("access-control-request-method") {
                preflightMethod = field.valueBytes
            } else if preflightHeaders == nil, field.nameBytes.equals("access-control-request-headers") {
                preflightHeaders = field.valueBytes
            } else if field.nameBytes.equals("access-control-request-private-network") {
                asksForPrivateNetwork = field.valueBytes.equals("true")
            }
        }
        if originCount != 1 || origin?.isEmpty == true { origin = nil }
        if originCount == 0 || !method.equals("OPTIONS") { preflightMethod = nil }
    }
}

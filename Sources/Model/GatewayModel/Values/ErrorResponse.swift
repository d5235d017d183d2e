/// One entry of a route's `error_response`: what callers of plain HTTP get in place of the gateway's own JSON for errors.
package struct ErrorResponse: Hashable, Sendable {
    /// From 400 to 599; empty for all.
    package var statuses: [Int]
    package var contentType: [UInt8]
    /// A variable without a value and without a text for that is left out.
    package var body: CallTemplate

    package init(statuses: [Int], contentType: [UInt8], body: CallTemplate) {
        self.statuses = statuses
        self.contentType = contentType
        self.body = body
    }

    package func takes(_ status: Int) -> Bool { statuses.isEmpty || statuses.contains(status) }
}

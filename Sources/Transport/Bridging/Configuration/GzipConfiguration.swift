/// Which answers of plain HTTP are compressed on their way.
package struct GzipConfiguration: Sendable, Equatable {
    package var contentTypes = ContentTypePattern.text
    /// Of answers whose length is known: shorter ones are not compressed.
    package var bytesMin = 1024
    /// Whether requests with `cookie` or `authorization`, and answers with `set-cookie`, are among them. Who can have a page ask, and sees the
    /// length of what comes, can guess secrets in a compressed answer beside text of their own (BREACH).
    package var includesCredentials = false

    /// What a route, or the whole gateway, says.
    package enum Use: Sendable, Equatable {
        /// Not even JSON made of gRPC, which is compressed where nothing is said.
        case off
        case on(GzipConfiguration)
    }

    package init() {}
}

/// A media type without parameters, in lower case: `application/json`, `text/*` or `application/*+json`.
package struct ContentTypePattern: Sendable, Equatable {
    /// What stands before the `*`, or all of it.
    package let head: String
    /// What stands behind the `*`; `nil` where there is none.
    package let tail: String?

    package init(head: String, tail: String? = nil) {
        self.head = head
        self.tail = tail
    }

    /// What is text, and shrinks.
    package static let text = [
        ContentTypePattern(head: "text/", tail: ""), ContentTypePattern(head: "application/json"),
        ContentTypePattern(head: "application/javascript"), ContentTypePattern(head: "application/xml"),
        ContentTypePattern(head: "application/", tail: "+json"), ContentTypePattern(head: "application/", tail: "+xml"),
        ContentTypePattern(head: "image/svg+xml"),
    ]
}

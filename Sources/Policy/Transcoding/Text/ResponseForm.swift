/// How the messages of an answer become a body.
package enum ResponseForm: Sendable {
    /// One message, as it is.
    case single
    /// Newline-delimited JSON.
    case lines
    /// One JSON array.
    case array
    /// Server-sent events.
    case events
    /// One after the other as they are, each for a protocol that frames it.
    case framed

    package var contentType: StaticString {
        switch self {
        case .single, .array: "application/json"
        case .framed: "application/connect+json"
        case .lines: "application/x-ndjson"
        case .events: "text/event-stream"
        }
    }
}

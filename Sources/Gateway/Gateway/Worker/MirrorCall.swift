internal import Bytes
internal import Filters
internal import HTTPModel
internal import Reactor
internal import Time
internal import Upstreams

/// A copy of a call on its way to a mirror. The call that it is a copy of may be over long before.
final class MirrorCall {
    /// Of no call.
    let attempt: Record<Attempt>
    let cluster: Cluster
    /// Where it goes; `nil` once it has.
    var endpoint: Borrowed<Endpoint>?
    let draft: MirrorDraft
    /// Its bytes lie in a record without a connection, which lives as long as this.
    let head: FieldList
    private let carrier: StreamPointer
    private let streams: StreamPool
    private let attempts: Slab<Attempt>
    /// Ends it.
    var timer: Timer?

    /// - Parameter write: writes the head for the stream that it is given.
    init(
        _ draft: MirrorDraft, to endpoint: Borrowed<Endpoint>, of cluster: Cluster, streams: StreamPool,
        attempts: Slab<Attempt>,
        head write: (StreamPointer) -> FieldList
    ) {
        self.draft = draft
        self.cluster = cluster
        self.streams = streams
        self.attempts = attempts
        carrier = streams.acquire()
        let fields = write(carrier)
        let kept = carrier.fields.reserveFields(fields.count)
        _ = kept.initialize(from: fields)
        head = FieldList(kept)
        self.endpoint = endpoint
        attempt = attempts.acquire()
        attempt.purpose = .mirror
    }

    deinit {
        streams.release(carrier)
        if let endpoint = attempt.endpoint { endpoint { $0.release() } }
        attempt.finish()
        attempts.release(attempt)
    }
}

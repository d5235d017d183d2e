/// Something that a codec has read from its peer, or written to it, with everything that was true at that moment: what a later
/// frame can change is not looked up in the stream's record when the event is delivered.
@usableFromInline package enum StreamEvent {
    /// A response head with a status of 1xx. Clients only.
    case informational(StreamPointer, Section)
    /// The head of the message; `ended` where nothing follows it.
    case head(StreamPointer, Section, ended: Bool)
    /// Body bytes, in the queue's `inputBuffer`; they stay there until the queue has been delivered.
    case data(StreamPointer, UnsafeRawBufferPointer)
    /// Nothing more will come; the section holds the trailers, and is empty without any.
    case ended(StreamPointer, Section)
    /// So many bytes of our body have left for the socket.
    case drained(StreamPointer, Int)
    /// The codec has forgotten the stream: the last event of a stream.
    case closed(StreamPointer, StreamClose)
    case connection(ConnectionEvent)

    /// Where the fields of one section lie.
    @usableFromInline package struct Section {
        /// Among the queue's waiting fields; empty where the fields stand at the end of the stream's block already.
        @usableFromInline package let waiting: Range<Int32>
        /// More arrived than is kept.
        @usableFromInline package let isTooLarge: Bool

        @inlinable package init(waiting: Range<Int32> = 0..<0, isTooLarge: Bool = false) {
            self.waiting = waiting
            self.isTooLarge = isTooLarge
        }
    }
}

/// What an event asks of the connection's owner.
@usableFromInline package enum ConnectionEvent: Equatable {
    /// The stream's handler has been called with its end: the record is to be given back to the codec.
    case streamClosed(StreamPointer)
    /// So many bytes of body were not delivered: their window is to be given back.
    case discarded(StreamPointer, Int)
    /// The peer wants no new streams; those that it will not answer are closed as unprocessed.
    case goAway
    /// The peer's settings are in force: how many streams it allows may have changed.
    case settingsChanged
    /// The peer has answered a PING.
    case pong(UInt64)
}

// Public, because what is inlined into other modules may name only what was imported so.
public import Bytes

/// Events of the codecs of one worker, in the order in which they happened.
///
///     codec reads or writes ──append──▶ waiting ──deliver──▶ handlers, owner ──▶ empty: the codec goes on
///
/// No handler runs while a codec does. A codec stops at `eventsMax` or `fieldBytesMax` (those of its events that it cannot hold
/// back still find room: what it is given at once is limited), its connection delivers everything, and only then hands on more bytes. So the
/// queue is empty between two connections, and one of them serves a whole worker. Memory is taken once, and grown only for sections
/// and for a GOAWAY that closes many streams at once.
@usableFromInline package final class EventQueue {
    @usableFromInline var events: UnsafeMutablePointer<StreamEvent>
    @usableFromInline var capacity: Int
    @usableFromInline var first = 0
    @usableFromInline var end = 0
    /// Fields of sections whose stream has an earlier section waiting here; their bytes lie in the stream's block.
    @usableFromInline package internal(set) var fields: UnsafeMutablePointer<Field>
    @usableFromInline package internal(set) var fieldCount = 0
    private var fieldCapacity: Int
    /// Where all body bytes that wait lie, because one read is delivered before the next. None where a codec had to put them aside.
    @usableFromInline package var inputBuffer: ReadBuffer?
    /// Of the sections that wait, as `FieldBlock.listBytes` counts them.
    @usableFromInline package var fieldBytes = 0

    /// Events after which a codec stops reading and writing.
    @inlinable package static var eventsMax: Int { 256 }
    /// Bytes of fields after which a codec stops reading.
    @inlinable package static var fieldBytesMax: Int { 256 << 10 }
    /// The most bytes a codec is given at once: as many as a socket is read for.
    @inlinable package static var inputBytesMax: Int { 256 << 10 }
    /// Events that cannot be held back: a frame has nine bytes at least, and stands for an end and a close at most. Memory for as
    /// many is reserved, of which hardly any is ever touched.
    private static let unstoppableMax = 2 * inputBytesMax / 9 + 2

    package init() {
        capacity = Self.eventsMax + Self.unstoppableMax
        events = .allocate(capacity: capacity)
        fieldCapacity = 128
        fields = .allocate(capacity: fieldCapacity)
    }

    deinit {
        events.deallocate()
        fields.deallocate()
    }

    @inlinable package var isEmpty: Bool { first == end }

    /// The codec is to stop.
    @inlinable package var isFull: Bool { end >= Self.eventsMax || fieldBytes >= Self.fieldBytesMax }

    // MARK: The codec's side

    @inlinable @inline(__always)
    package func append(_ event: StreamEvent) {
        precondition(end < capacity, "events beyond what a piece of input can mean")
        (events + end).initialize(to: event)
        end &+= 1
    }

    /// So many bytes of a body have left; joined with the event before where that is of the same stream.
    @inlinable @inline(__always)
    package func appendDrained(_ stream: StreamPointer, _ count: Int) {
        if end > first, case .drained(let last, let before) = events[end &- 1], last == stream {
            events[end &- 1] = .drained(stream, before &+ count)
        } else {
            append(.drained(stream, count))
        }
    }

    /// Makes room for the ends of so many streams, beside everything else: they may come all at once.
    package func reserve(_ count: Int) {
        let needed = Self.eventsMax + Self.unstoppableMax + count
        guard needed > capacity else { return }
        let larger = UnsafeMutablePointer<StreamEvent>.allocate(capacity: needed)
        larger.update(from: events, count: end)
        events.deallocate()
        events = larger
        capacity = needed
    }

    /// Keeps a field until its section is delivered.
    package func append(_ field: Field) {
        if fieldCount == fieldCapacity { growFields() }
        fields[fieldCount] = field
        fieldCount += 1
    }

    private func growFields() {
        let larger = UnsafeMutablePointer<Field>.allocate(capacity: fieldCapacity * 2)
        larger.update(from: fields, count: fieldCount)
        fields.deallocate()
        fields = larger
        fieldCapacity *= 2
    }

    /// Forgets the waiting fields from `start` on.
    package func dropFields(from start: Int) { fieldCount = min(fieldCount, start) }

    // MARK: The owner's side

    /// Delivers what waits to the handlers of streams, and to the owner what concerns the connection itself.
    ///
    /// A stream that its owner has reset gets nothing but its end; one without a handler gets nothing.
    @inlinable @inline(__always)
    package func deliver(now: UInt64, _ perform: (ConnectionEvent) -> Void) {
        while first < end {
            let event = events[first]
            first &+= 1
            switch event {
            case .data(let stream, let bytes):
                stream.pointee.lastActivity = now
                stream.pointee.bodyBytesReceived &+= bytes.count
                if stream.pointee.flags.contains(.resetSent) || !stream.hasHandler {
                    perform(.discarded(stream, bytes.count))
                } else {
                    stream.pointee.unconsumed &+= bytes.count
                    stream.notify { $0.streamData(stream, BufferSlice(bytes, in: inputBuffer)) }
                }
            case .head(let stream, let section, let ended):
                stream.pointee.lastActivity = now
                if stream.pointee.flags.contains(.resetSent) { continue }
                attach(section, to: stream)
                stream.pointee.flags.insert(.headReceived)
                stream.pointee.trailersStart = stream.pointee.fields.count
                stream.notify { $0.streamHead(stream, ended: ended) }
            case .ended(let stream, let section):
                stream.pointee.lastActivity = now
                if stream.pointee.flags.contains(.resetSent) { continue }
                if !section.waiting.isEmpty { stream.pointee.trailersStart = stream.pointee.fields.count }
                attach(section, to: stream)
                stream.notify { $0.streamEnded(stream) }
            case .drained(let stream, let count):
                if stream.pointee.flags.contains(.resetSent) { continue }
                stream.notify { $0.streamDrained(stream, count) }
            case .closed(let stream, let reason):
                stream.notify { $0.streamClosed(stream, reason) }
                perform(.streamClosed(stream))
            case .informational(let stream, let section):
                inform(stream, section, now: now)
            case .connection(let event):
                perform(event)
            }
        }
        removeAll()
    }

    @inlinable @inline(__always)
    func attach(_ section: StreamEvent.Section, to stream: StreamPointer) {
        stream.pointee.flags.remove(.sectionWaits)
        if section.isTooLarge { stream.pointee.flags.insert(.headTooLarge) }
        if !section.waiting.isEmpty { attachWaiting(section.waiting, to: stream) }
    }

    @usableFromInline
    func attachWaiting(_ range: Range<Int32>, to stream: StreamPointer) {
        stream.pointee.fields.append(UnsafeBufferPointer(start: fields + Int(range.lowerBound), count: range.count))
    }

    @usableFromInline
    func inform(_ stream: StreamPointer, _ section: StreamEvent.Section, now: UInt64) {
        stream.pointee.lastActivity = now
        guard !stream.pointee.flags.contains(.resetSent) else { return }
        attach(section, to: stream)
        stream.notify { $0.streamInformational(stream) }
        forgetInformational(of: stream)
    }

    /// Bytes of what follows, or of our own trailers, may lie in the arena already.
    package func forgetInformational(of stream: StreamPointer) {
        if fieldCount == 0, stream.pointee.outboundTrailers == nil {
            stream.pointee.fields.reset()
        } else {
            stream.pointee.fields.forgetFields()
        }
    }

    /// Forgets what waits: the connection has ended.
    @inlinable package func removeAll() {
        first = 0
        end = 0
        fieldBytes = 0
    }
}

package import Bytes
package import HTTPModel

/// Records what happens on streams, in order: `head`, `informational`, `ended` with their fields, and `closed` with its reason.
package final class StreamRecorder: StreamHandler {
    package private(set) var events: [String] = []
    package private(set) var body: [UInt8] = []
    /// Of the parts of the body, one after the other.
    package private(set) var buffers: [ReadBuffer?] = []
    /// Called at each head, once it is recorded.
    package var onHead: (StreamPointer) -> Void = { _ in }
    private let isDetailed: Bool

    /// - Parameter isDetailed: records `data` and `drained` too.
    package init(isDetailed: Bool = false) { self.isDetailed = isDetailed }

    private func record(_ event: String, _ stream: StreamPointer, from start: Int = 0) {
        let fields = (start..<max(start, stream.fields.count)).map { index in
            let field = stream.fields[index]
            return field.valueCount == 0 ? " \(field.nameText)" : " \(field.nameText)=\(field.valueText)"
        }
        events.append(event + fields.joined())
    }

    package func streamHead(_ stream: StreamPointer, ended: Bool) {
        record("head", stream)
        if ended { events[events.count - 1] += ", ended" }
        onHead(stream)
    }

    package func streamInformational(_ stream: StreamPointer) { record("informational", stream) }

    package func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        body += slice.bytes
        buffers.append(slice.buffer)
        if isDetailed { events.append("data \(slice.count)") }
    }

    package func streamEnded(_ stream: StreamPointer) { record("ended", stream, from: stream.trailersStart) }

    package func streamDrained(_ stream: StreamPointer, _ count: Int) {
        if isDetailed { events.append("drained \(count)") }
    }

    package func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { events.append("closed \(reason)") }
}

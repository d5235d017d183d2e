internal import Bytes

/// The details as `grpc-status-details-bin` carries them: a `google.rpc.Status` with its `Any`s, encoded by hand.
extension RefusalDetails {
    func appendStatus(
        code: StatusCode, message: UnsafeRawBufferPointer, extent: Extent, to buffer: inout ByteBuffer
    ) {
        WireWriter.field(1, varint: UInt64(code.rawValue), into: &buffer)
        WireWriter.field(2, bytes: message, into: &buffer)
        Self.appendAny("type.googleapis.com/google.rpc.ErrorInfo", to: &buffer) { appendErrorInfo(extent, to: &$0) }
        if let retryDelay {
            Self.appendAny("type.googleapis.com/google.rpc.RetryInfo", to: &buffer) { buffer in
                let (seconds, nanoseconds) = Self.parts(of: retryDelay)
                let place = WireWriter.open(1, in: &buffer)
                WireWriter.field(1, varint: seconds, into: &buffer)
                WireWriter.field(2, varint: nanoseconds, into: &buffer)
                WireWriter.close(place, in: &buffer)
            }
        }
        guard extent == .everything else { return }
        if someLimitIsExceeded {
            Self.appendAny("type.googleapis.com/google.rpc.QuotaFailure", to: &buffer) { appendQuotaFailure(to: &$0) }
        }
        if let fieldViolation {
            Self.appendAny("type.googleapis.com/google.rpc.BadRequest", to: &buffer) { buffer in
                let place = WireWriter.open(1, in: &buffer)
                WireWriter.field(1, text: fieldViolation.field, into: &buffer)
                WireWriter.field(2, text: fieldViolation.description, into: &buffer)
                WireWriter.close(place, in: &buffer)
            }
        }
    }

    private func appendErrorInfo(_ extent: Extent, to buffer: inout ByteBuffer) {
        WireWriter.field(1, text: reason, into: &buffer)
        WireWriter.field(2, text: Self.domain, into: &buffer)
        guard extent != .least else { return }
        if let rule { Self.appendMetadata("rule", .string(rule), to: &buffer) }
        if let fact { Self.appendMetadata(fact.key, fact.value, to: &buffer) }
    }

    private func appendQuotaFailure(to buffer: inout ByteBuffer) {
        for (index, limit) in limits.enumerated() where limit.isExceeded {
            let violation = WireWriter.open(1, in: &buffer)
            let subject = WireWriter.open(1, in: &buffer)
            LimitHeaders.appendLabel(of: limit, at: index, to: &buffer)
            WireWriter.close(subject, in: &buffer)
            let description = WireWriter.open(2, in: &buffer)
            Self.appendDescription(of: limit, to: &buffer)
            WireWriter.close(description, in: &buffer)
            WireWriter.field(7, varint: limit.count, into: &buffer)
            WireWriter.close(violation, in: &buffer)
        }
    }

    private static func appendAny(
        _ typeURL: StaticString, to buffer: inout ByteBuffer, _ write: (inout ByteBuffer) -> Void
    ) {
        let any = WireWriter.open(3, in: &buffer)
        WireWriter.field(1, text: typeURL, into: &buffer)
        let value = WireWriter.open(2, in: &buffer)
        write(&buffer)
        WireWriter.close(value, in: &buffer)
        WireWriter.close(any, in: &buffer)
    }

    /// An entry of a map is a message with the key as its field 1 and the value as its field 2.
    private static func appendMetadata(_ key: StaticString, _ value: Value, to buffer: inout ByteBuffer) {
        let entry = WireWriter.open(3, in: &buffer)
        WireWriter.field(1, text: key, into: &buffer)
        switch value {
        case .text(let text): WireWriter.field(2, text: text, into: &buffer)
        case .string(let text): WireWriter.field(2, text: text, into: &buffer)
        case .number(let number):
            let text = WireWriter.open(2, in: &buffer)
            buffer.append(decimal: number)
            WireWriter.close(text, in: &buffer)
        }
        WireWriter.close(entry, in: &buffer)
    }
}

internal import Bytes
internal import JSON

/// The details as a JSON caller gets them: a `google.rpc.Status` in protobuf's canonical JSON.
extension RefusalDetails {
    /// `scratch` is overwritten.
    func appendJSON(
        code: StatusCode, message: UnsafeRawBufferPointer, extent: Extent, to buffer: inout ByteBuffer,
        scratch: inout ByteBuffer
    ) {
        var json = JSONWriter()
        json.beginObject(&buffer)
        json.key("code", &buffer)
        json.number(UInt64(code.rawValue), &buffer)
        json.key("message", &buffer)
        json.string(message, &buffer)
        json.key("details", &buffer)
        json.beginArray(&buffer)
        appendErrorInfo(extent, json: &json, to: &buffer, scratch: &scratch)
        if let retryDelay {
            Self.beginAny("type.googleapis.com/google.rpc.RetryInfo", json: &json, to: &buffer)
            json.key("retryDelay", &buffer)
            scratch.removeAll()
            Self.appendDuration(retryDelay, to: &scratch)
            json.string(scratch.readable, &buffer)
            json.endObject(&buffer)
        }
        if extent == .everything {
            if someLimitIsExceeded { appendQuotaFailure(json: &json, to: &buffer, scratch: &scratch) }
            if let fieldViolation {
                Self.beginAny("type.googleapis.com/google.rpc.BadRequest", json: &json, to: &buffer)
                json.key("fieldViolations", &buffer)
                json.beginArray(&buffer)
                json.beginObject(&buffer)
                json.key("field", &buffer)
                json.string(fieldViolation.field, &buffer)
                json.key("description", &buffer)
                json.string(fieldViolation.description, &buffer)
                json.endObject(&buffer)
                json.endArray(&buffer)
                json.endObject(&buffer)
            }
        }
        json.endArray(&buffer)
        json.endObject(&buffer)
    }

    private func appendErrorInfo(
        _ extent: Extent, json: inout JSONWriter, to buffer: inout ByteBuffer, scratch: inout ByteBuffer
    ) {
        Self.beginAny("type.googleapis.com/google.rpc.ErrorInfo", json: &json, to: &buffer)
        json.key("reason", &buffer)
        json.string(reason, &buffer)
        json.key("domain", &buffer)
        json.string(Self.domain, &buffer)
        if extent != .least, rule != nil || fact != nil {
            json.key("metadata", &buffer)
            json.beginObject(&buffer)
            if let rule {
                json.key("rule", &buffer)
                json.string(rule, &buffer)
            }
            if let fact {
                json.key(fact.key, &buffer)
                switch fact.value {
                case .text(let text): json.string(text, &buffer)
                case .string(let text): json.string(text, &buffer)
                case .number(let number):
                    scratch.removeAll()
                    scratch.append(decimal: number)
                    json.string(scratch.readable, &buffer)
                }
            }
            json.endObject(&buffer)
        }
        json.endObject(&buffer)
    }

    private func appendQuotaFailure(
        json: inout JSONWriter, to buffer: inout ByteBuffer, scratch: inout ByteBuffer
    ) {
        Self.beginAny("type.googleapis.com/google.rpc.QuotaFailure", json: &json, to: &buffer)
        json.key("violations", &buffer)
        json.beginArray(&buffer)
        for (index, limit) in limits.enumerated() where limit.isExceeded {
            json.beginObject(&buffer)
            json.key("subject", &buffer)
            scratch.removeAll()
            LimitHeaders.appendLabel(of: limit, at: index, to: &scratch)
            json.string(scratch.readable, &buffer)
            json.key("description", &buffer)
            scratch.removeAll()
            Self.appendDescription(of: limit, to: &scratch)
            json.string(scratch.readable, &buffer)
            // 64-bit numbers are strings in protobuf's JSON.
            json.key("quotaValue", &buffer)
            scratch.removeAll()
            scratch.append(decimal: limit.count)
            json.string(scratch.readable, &buffer)
            json.endObject(&buffer)
        }
        json.endArray(&buffer)
        json.endObject(&buffer)
    }

    private static func beginAny(_ typeURL: StaticString, json: inout JSONWriter, to buffer: inout ByteBuffer) {
        json.beginObject(&buffer)
        json.key("@type", &buffer)
        json.string(typeURL, &buffer)
    }

    /// Seconds with none, three, six or nine decimals, and `s`.
    private static func appendDuration(_ delay: Duration, to buffer: inout ByteBuffer) {
        let seconds = parts(of: delay).seconds
        var fraction = parts(of: delay).nanoseconds
        var decimals = 9
        while decimals > 0, fraction % 1000 == 0 { fraction /= 1000; decimals -= 3 }
        buffer.append(decimal: seconds)
        if decimals > 0 {
            buffer.append(byte: UInt8(ascii: "."))
            var scale: UInt64 = decimals == 9 ? 100_000_000 : decimals == 6 ? 100_000 : 100
            while scale > 0 {
                buffer.append(byte: UInt8(ascii: "0") + UInt8(fraction / scale % 10))
                scale /= 10
            }
        }
        buffer.append(byte: UInt8(ascii: "s"))
    }
}

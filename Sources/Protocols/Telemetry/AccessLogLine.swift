/// Turns an entry into its line: one JSON object and a line feed.
package struct AccessLogLine {
    /// The texts' limits below sum up to under 6 KiB, every byte of which could need six.
    package static let bytesMax = 40 * 1024

    private let memory: UnsafeMutableRawBufferPointer
    private var timestamps = TimestampCache()

    package init() { memory = .allocate(byteCount: Self.bytesMax, alignment: 16) }

    package func destroy() {
        memory.deallocate()
        timestamps.destroy()
    }

    /// The line, valid until the next call.
    package mutating func compose(_ entry: borrowing AccessLogEntry) -> UnsafeRawBufferPointer {
        var line = JSONLine(memory)
        let time = entry.time
        line.write(#"{"time":""#, plain: TimestampCache.bytes) { timestamps.write(time, to: $0) }
        line.write(#","request_id":""#, entry.requestID, atMost: 128)
        line.write(#","downstream_address":""#, entry.downstreamAddress, atMost: 64)
        line.write(#","protocol":""#, entry.protocolName, atMost: 16)
        line.write(#","authority":""#, entry.authority, atMost: 256)
        line.write(#","method":""#, entry.method, atMost: 32)
        line.write(#","path":""#, Self.withoutQuery(entry.path), atMost: 1024)
        line.write(#","grpc_service":""#, entry.grpcService, atMost: 256)
        line.write(#","grpc_method":""#, entry.grpcMethod, atMost: 256)
        line.write(#","route":""#, entry.route, atMost: 256)
        line.write(#","cluster":""#, entry.cluster, atMost: 256)
        line.write(#","upstream_address":""#, entry.upstreamAddress, atMost: 64)
        if let status = entry.status, status >= 0 { line.write(#","status":"#, UInt64(status)) }
        if let status = entry.grpcStatus, status >= 0 { line.write(#","grpc_status":"#, UInt64(status)) }
        writeFlags(entry, to: &line)
        line.write(#","detail":""#, entry.detail, atMost: 64)
        line.write(#","rule":""#, entry.rule, atMost: 256)
        line.write(#","limit":""#, entry.limit, atMost: 256)
        line.write(#","limit_tightest":""#, entry.tightestLimit, atMost: 256)
        line.write(#","limit_key":""#, entry.limitKey, atMost: 256)
        line.write(#","upstream_transport_failure_reason":""#, entry.transportFailure, atMost: 256)
        line.write(#","shadow":""#, entry.shadow, atMost: 256)
        line.write(#","limits":""#, entry.limits, atMost: 16)
        line.write(#","fallback":""#, entry.fallback, atMost: 32)
        line.write(#","bytes_received":"#, entry.bytesReceived)
        line.write(#","bytes_sent":"#, entry.bytesSent)
        line.write(#","duration_us":"#, entry.durationMicroseconds)
        if let duration = entry.upstreamDurationMicroseconds { line.write(#","upstream_duration_us":"#, duration) }
        if entry.attempts > 0 { line.write(#","attempts":"#, UInt64(entry.attempts)) }
        line.write(#","tenant":""#, entry.tenant, atMost: 256)
        line.write(#","plan":""#, entry.plan, atMost: 256)
        line.write(#","subject":""#, entry.subject, atMost: 256)
        line.write(#","issuer":""#, entry.issuer, atMost: 256)
        line.write(#","tls_version":""#, entry.tlsVersion, atMost: 16)
        line.write(#","user_agent":""#, entry.userAgent, atMost: 256)
        if let trace = entry.trace {
            line.write(#","trace_id":""#, plain: 32) { trace.writeTraceID(to: $0) }
        }
        line.end()
        return UnsafeRawBufferPointer(rebasing: memory[0..<line.count])
    }

    /// With a comma between two, as Envoy writes them.
    private func writeFlags(_ entry: borrowing AccessLogEntry, to line: inout JSONLine) {
        let first =
            entry.responseFlag.first == UInt8(ascii: "-") ? UnsafeRawBufferPointer(start: nil, count: 0) : entry.responseFlag
        let second = entry.secondFlag
        guard !first.isEmpty, !second.isEmpty, !first.elementsEqual(second) else {
            return line.write(#","response_flags":""#, first.isEmpty ? second : first, atMost: 16)
        }
        line.write(#","response_flags":""#, plain: first.count + 1 + second.count) { text in
            text.copyMemory(from: first.baseAddress!, byteCount: first.count)
            text.storeBytes(of: UInt8(ascii: ","), toByteOffset: first.count, as: UInt8.self)
            (text + first.count + 1).copyMemory(from: second.baseAddress!, byteCount: second.count)
        }
    }

    private static func withoutQuery(_ path: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let mark = path.firstIndex(of: UInt8(ascii: "?")) else { return path }
        return UnsafeRawBufferPointer(rebasing: path[0..<mark])
    }
}

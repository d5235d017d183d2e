/// Turns an entry into its line: one JSON object and a line feed.
package struct AccessLogLine {
    /// The texts' limits below sum up to under 4.5 KiB, every byte of which could need six.
    package static let bytesMax = 32 * 1024

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
        if entry.status > 0 { line.write(#","status":"#, UInt64(entry.status)) }
        if let status = entry.grpcStatus, status >= 0 { line.write(#","grpc_status":"#, UInt64(status)) }
        if entry.responseFlag.first != UInt8(ascii: "-") {
            line.write(#","response_flags":""#, entry.responseFlag, atMost: 16)
        }
        line.write(#","detail":""#, entry.detail, atMost: 256)
        line.write(#","shadow":""#, entry.shadow, atMost: 256)
        line.write(#","limits":""#, entry.limits, atMost: 16)
        line.write(#","bytes_received":"#, entry.bytesReceived)
        line.write(#","bytes_sent":"#, entry.bytesSent)
        line.write(#","duration_us":"#, entry.durationMicroseconds)
        if let duration = entry.upstreamDurationMicroseconds { line.write(#","upstream_duration_us":"#, duration) }
        if entry.attempts > 0 { line.write(#","attempts":"#, UInt64(entry.attempts)) }
        line.write(#","tenant":""#, entry.tenant, atMost: 256)
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

    private static func withoutQuery(_ path: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let mark = path.firstIndex(of: UInt8(ascii: "?")) else { return path }
        return UnsafeRawBufferPointer(rebasing: path[0..<mark])
    }
}

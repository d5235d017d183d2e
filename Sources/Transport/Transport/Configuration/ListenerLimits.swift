package import Config

/// What callers of one listener may cost. `nil` stands for `none`.
package struct ListenerLimits: Sendable, Equatable {
    /// Connections open at once, over all workers.
    package var connections: Int
    /// Streams open at once on one connection.
    package var streams: Int
    /// Fields in one head or trailer section.
    package var headers: Int
    /// Name, value and 32 bytes a field (RFC 9113, section 10.5.1).
    package var headerBytes: Int
    /// One request's body, over its whole life.
    package var bodyBytes: Int?
    /// From accepting a connection to the end of its TLS handshake, or of its HTTP/2 preface in cleartext.
    package var handshake: Duration
    /// A connection without a stream.
    package var idle: Duration?
    /// A connection, whatever runs on it: then it is drained, and its caller opens another.
    package var age: Duration?
    /// What running calls then have.
    package var ageGrace: Duration?
    /// A stream on which nothing moves in either direction.
    package var streamIdle: Duration?
    /// A caller that takes nothing of what is waiting for it.
    package var stall: Duration
    /// RST_STREAM frames on one connection.
    package var resets: Rate
    /// SETTINGS frames a second on one connection.
    package var settings: Int
    /// DATA and HEADERS frames that carry nothing, a second on one connection.
    package var emptyFrames: Int
    /// PING and WINDOW_UPDATE frames that a caller may send for each DATA or HEADERS frame we sent.
    package var controlFrames: Int

    package static let defaults = ListenerLimits(
        connections: 10_000, streams: 100, headers: 100, headerBytes: 60 << 10, bodyBytes: nil, handshake: .seconds(10),
        idle: .seconds(3600), age: nil, ageGrace: .seconds(30), streamIdle: .seconds(300), stall: .seconds(30),
        resets: Rate(perSecond: 100, burst: 1000), settings: 32, emptyFrames: 100, controlFrames: 10)
}

extension Grammar where Value == ListenerLimits {
    package static var listenerLimits: Grammar {
        .section { section in
            let defaults = ListenerLimits.defaults
            return ListenerLimits(
                connections: section.value("connections", .count(1...10_000_000), default: defaults.connections),
                streams: section.value("streams", .count(1...1_000_000), default: defaults.streams),
                headers: section.value("headers", .count(10...1000), default: defaults.headers),
                headerBytes: section.value(
                    "header_bytes", .byteSize((1 << 10)...(1 << 20)), default: defaults.headerBytes),
                bodyBytes: section.value("body_bytes", .word("none", or: .byteSize()), default: defaults.bodyBytes),
                handshake: section.value("handshake", .timeout, default: defaults.handshake),
                idle: section.value("idle", .word("none", or: .timeout), default: defaults.idle),
                age: section.value(
                    "age", .word("none", or: .duration(.seconds(1) ... .seconds(36_500 * 86_400))), default: defaults.age),
                ageGrace: section.value("age_grace", .word("none", or: .duration), default: defaults.ageGrace),
                streamIdle: section.value("stream_idle", .word("none", or: .timeout), default: defaults.streamIdle),
                stall: section.value("stall", .timeout, default: defaults.stall),
                resets: section.value("resets", .rate, default: defaults.resets),
                settings: section.value("settings", .perSecond, default: defaults.settings),
                emptyFrames: section.value("empty_frames", .perSecond, default: defaults.emptyFrames),
                controlFrames: section.value("control_frames", .count(1...10_000), default: defaults.controlFrames))
        }
    }
}

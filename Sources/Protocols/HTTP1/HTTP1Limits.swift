/// What a message may cost before it is refused.
package struct HTTP1Limits: Sendable {
    /// The request or status line, without its line break. Above: 414.
    package var startLineBytesMax = 16 * 1024
    /// All field lines of a head together, each counted as it lies on the wire or as RFC 9113, section 10.5.1 counts it
    /// (name, value and 32), whichever is more; trailers likewise by themselves. Above: 431.
    package var fieldBytesMax = 60 * 1024
    /// Above: 431.
    package var fieldsMax = 100
    /// Up to here a section above one of the two is read to its end, without keeping more of it, so that its request can be
    /// answered and its connection go on; above, reading ends. `nil`: reading ends with the limit.
    package var sectionBytesMax: Int?
    /// The body without its framing. Above: 413. `nil`: no limit.
    package var bodyBytesMax: UInt64?
    /// The extensions of all chunks of a message together.
    package var chunkExtensionBytesMax = 4096
    /// Interim (1xx) responses before the final one.
    package var interimResponsesMax = 16

    /// RFC 9110 knows none above 7 bytes; the registry's longest has 17.
    static let methodBytesMax = 32

    package init() {}
}

package import GRPC
internal import RateLimit
internal import Snapshots

/// The state of limits as an answer reports it.
package struct ReportedLimits {
    /// Of the stages that the call has passed, or of the one that refused it.
    var states: [LimitState]
    var families: LimitHeaders.Families
}

extension LimitHeadersConfiguration {
    /// The headers that are present so.
    func families(_ presences: Presence...) -> LimitHeaders.Families {
        var families: LimitHeaders.Families = []
        if presences.contains(standard) { families.insert(.standard) }
        if presences.contains(prefixed) { families.insert(.prefixed) }
        return families
    }
}

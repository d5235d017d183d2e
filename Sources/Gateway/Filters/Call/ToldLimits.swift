package import GRPC
internal import RateLimit
internal import Snapshots

/// What an answer tells its caller of limits.
package struct ToldLimits {
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

internal import Time

/// What clusters have told of their schemas by reflection: it outlives the configurations that ask for it.
///
/// For the control thread alone.
package final class SchemaStore {
    package struct Known: Equatable {
        /// Each an encoded FileDescriptorProto, in the order of their bytes.
        var files: [[UInt8]]
        var serviceCount: Int
        /// When it was last told.
        var time: Instant
    }

    /// The last good answer of each cluster.
    package internal(set) var known: [String: Known] = [:]
    /// Why there was no good answer, the last time that a cluster was asked.
    package internal(set) var troubles: [String: String] = [:]

    package init() {}

    func forget(_ cluster: String) {
        known[cluster] = nil
        troubles[cluster] = nil
    }
}

package import Time

/// What clusters have told of their schemas by reflection: it outlives the configurations that ask for it.
///
/// For the control thread alone.
package final class SchemaStore {
    package struct Known: Equatable {
        /// Each an encoded FileDescriptorProto, in the order of their bytes.
        package var files: [[UInt8]]
        package var serviceCount: Int
        /// When it was last told.
        package var time: Instant

        package init(files: [[UInt8]], serviceCount: Int, time: Instant) {
            self.files = files
            self.serviceCount = serviceCount
            self.time = time
        }
    }

    /// The last good answer of each cluster.
    package var known: [String: Known] = [:]
    /// Why there was no good answer, the last time that a cluster was asked.
    package var troubles: [String: String] = [:]

    package init() {}

    package func forget(_ cluster: String) {
        known[cluster] = nil
        troubles[cluster] = nil
    }
}

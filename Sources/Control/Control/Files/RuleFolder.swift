package import Config

/// A folder of files with rules of the rate-limit service.
package enum RuleFolder {
    /// The files in it and below, in order; `nil` where it is no folder.
    ///
    /// - Parameter recording: hears of every folder before it is looked at.
    package static func files(of folder: String, recording: @escaping (String) -> Void = { _ in }) -> Result<[String], FileFailure>?
    {
        FolderListing(endings: [".yaml", ".yml"], recording: recording).files(of: folder)
    }
}

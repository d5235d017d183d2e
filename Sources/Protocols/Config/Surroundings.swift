/// What a configuration may look at besides its own text, handed in by the executable.
package struct Surroundings {
    /// The value of an environment variable.
    package var environment: (String) -> String?
    /// A file's text, by its path as written; the executable decides what a relative path is relative to.
    package var readFile: (String) -> Result<String, FileFailure>

    package init(
        environment: @escaping (String) -> String? = { _ in nil },
        readFile: @escaping (String) -> Result<String, FileFailure> = { _ in .failure(FileFailure("no such file")) }
    ) {
        self.environment = environment
        self.readFile = readFile
    }
}

/// Why a file could not be read, in words that follow "cannot read PATH: ".
package struct FileFailure: Error, Equatable {
    package var reason: String
    package init(_ reason: String) { self.reason = reason }
}

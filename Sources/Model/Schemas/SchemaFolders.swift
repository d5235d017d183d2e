package import Config

/// How the folders that a configuration names for schemas are looked into.
package struct SchemaFolders {
    /// The files below a folder whose names end with one of these, each by its path within the folder, in order. `nil` where
    /// it is no folder.
    package var list: (_ folder: String, _ endings: [String]) -> Result<[String], FileFailure>?
    /// Makes a FileDescriptorSet of all proto files of these folders.
    package var compile: (_ folders: [Protos]) -> Compiled

    /// The proto files of one folder, by their paths within it.
    package struct Protos {
        package var folder: String
        package var files: [String]

        package init(folder: String, files: [String]) {
            self.folder = folder
            self.files = files
        }
    }

    package struct Compiled {
        /// `nil` where there is a mistake.
        package var set: [UInt8]?
        package var complaints: [Complaint]

        package init(set: [UInt8]?, complaints: [Complaint]) {
            self.set = set
            self.complaints = complaints
        }
    }

    package struct Complaint: Equatable {
        /// In a proto file; `nil` where it is about none of them.
        package var place: Place?
        package var text: String
        package var isWarning: Bool

        package init(place: Place?, text: String, isWarning: Bool) {
            self.place = place
            self.text = text
            self.isWarning = isWarning
        }
    }

    package init(
        list: @escaping (_ folder: String, _ endings: [String]) -> Result<[String], FileFailure>?,
        compile: @escaping (_ folders: [Protos]) -> Compiled
    ) {
        self.list = list
        self.compile = compile
    }

    /// Nothing is a folder.
    package static var none: SchemaFolders {
        SchemaFolders(list: { _, _ in nil }, compile: { _ in Compiled(set: nil, complaints: []) })
    }
}

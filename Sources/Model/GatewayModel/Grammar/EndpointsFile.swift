package import Config

/// A file with a cluster's endpoints: a list as it would stand under `endpoints`, in YAML or JSON.
package enum EndpointsFile {
    package static func read(_ text: String, file: String) -> ConfigurationReading<[EndpointConfiguration]> {
        let reader = Reader(text, file: file, surroundings: Surroundings())
        let endpoints = reader.root.flatMap { Grammar.endpointList.read($0, reader) }
        return ConfigurationReading(endpoints, reader.places, reader.issues)
    }
}

package import Config
package import GatewayModel

extension GatewayConfiguration {
    /// Reads and checks martlet.yaml.
    package static func read(
        text: String, file: String, environment: @escaping (String) -> String?,
        readFile: @escaping (String) -> Result<String, FileFailure>
    ) -> ConfigurationReading<GatewayConfiguration> {
        draft(text: text, file: file, environment: environment, readFile: readFile).whole
    }

    /// What could be read of martlet.yaml, for further checks: with an error among the issues, what was
    /// wrong is left out or has a value of no meaning, and nothing may be served from it.
    package static func draft(
        text: String, file: String, environment: @escaping (String) -> String?,
        readFile: @escaping (String) -> Result<String, FileFailure>
    ) -> ConfigurationReading<GatewayConfiguration> {
        let reader = Reader(text, file: file, surroundings: Surroundings(environment: environment, readFile: readFile))
        let configuration = reader.root.flatMap { reader.section($0, Self.read) }
        let findings = Findings(reader.places)
        if let configuration { CrossChecks(configuration, findings).run() }
        return ConfigurationReading(configuration, findings.places, (reader.issues + findings.issues).inOrder)
    }
}

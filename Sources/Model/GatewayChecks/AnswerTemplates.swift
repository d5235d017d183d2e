internal import Config
internal import GatewayModel

extension RouteConfiguration {
    /// The texts with variables that answers of the gateway's own are made from, each with its place.
    func answerTemplates(
        at path: ConfigurationPath, _ places: PlaceIndex
    ) -> [(template: CallTemplate, path: ConfigurationPath)] {
        let responses = path["error_response"]
        // One may stand there without a list.
        let isAlone = places.isWritten(responses["body"])
        var templates = errorResponses.enumerated().map { index, response in
            (response.body, (isAlone ? responses : responses[index])["body"])
        }
        if case .redirect(let redirect) = action, case .whole(let template) = redirect.path {
            templates.append((template, path["redirect"]["path"]))
        }
        return templates
    }
}

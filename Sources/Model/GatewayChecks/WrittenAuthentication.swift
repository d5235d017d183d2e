internal import Config
internal import GatewayModel

/// What of the section `authentication` is there, also where it could not be read: that mistake is the one to mend first.
struct WrittenAuthentication {
    static let path = ConfigurationPath("authentication")

    let isThere: Bool
    let hasTenant: Bool
    let hasPlan: Bool

    init(_ configuration: GatewayConfiguration, _ places: PlaceIndex) {
        let isThere = configuration.authentication != nil || places.isWritten(Self.path)
        func has(_ key: String, _ isRead: (AuthenticationConfiguration) -> Bool) -> Bool {
            configuration.authentication.map { isRead($0) || places.isWritten(Self.path[key]) } ?? isThere
        }
        self.isThere = isThere
        hasTenant = has("tenant") { $0.tenant != nil }
        hasPlan = has("plan") { $0.plan != nil }
    }
}

internal import Config

/// What routes were read from, for the places of what the model keeps none of.
struct RouteNodes {
    private let nodes: [Node?]

    /// Routes that could not be read are not among those of the configuration, whose order is the file's.
    init(_ configuration: GatewayConfiguration, _ section: Section) {
        var written = section.node("routes")?.elements?[...] ?? []
        nodes = configuration.routes.map { route in
            while let node = written.popFirst() {
                if node.place == route.place { return node }
            }
            return nil
        }
    }

    subscript(route: Int) -> Node? { nodes[route] }
}

extension Node {
    func child(_ key: String) -> Node? { entries?.first { $0.key.value == key }?.value }
}

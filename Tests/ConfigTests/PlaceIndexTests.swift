import Testing

@testable import Config

@Suite struct PlaceIndexTests {
    private static let text = """
        routes:
          - { name: a, limits: 5/s }
          - nothing
          - name: b
            limits: [1/s, wrong, 2/s]
        clusters: { orders: { endpoints: [] }, "a.b": 1 }
        set: { X-Real-IP: "1" }
        """

    /// Routes with names, and limits that are rates; the others are left out.
    private static let places: PlaceIndex = {
        let reader = Reader(text, file: "x.yaml", surroundings: Surroundings())
        let route = Grammar<[Rate]?>.section { section in
            _ = section.optional("name", .name)
            return section.optional("limits", .list(of: .rate))
        }
        _ = reader.root.flatMap { reader.section($0) { $0.optional("routes", .list(of: route)) } }
        return reader.places
    }()

    private static func shown(_ place: Place) -> String { "\(place.file):\(place.line):\(place.column): \(place.path)" }

    @Test(
        "parts are found by keys, by positions among what could be read, and by the part around what is left out",
        arguments: [
            (ConfigurationPath.root, "x.yaml:1:1: "),
            (ConfigurationPath("routes")[0]["name"], "x.yaml:2:13: routes[0].name"),
            (ConfigurationPath("routes")[0]["limits"][0], "x.yaml:2:24: routes[0].limits"),
            (ConfigurationPath("routes")[1], "x.yaml:4:5: routes[2]"),
            (ConfigurationPath("routes")[1]["limits"][1], "x.yaml:5:26: routes[2].limits[2]"),
            (ConfigurationPath("routes")[1]["limits"][2], "x.yaml:5:13: routes[2].limits"),
            (ConfigurationPath("routes")[1]["retry"]["on"], "x.yaml:4:5: routes[2]"),
            (ConfigurationPath("routes")[0]["name"]["x"], "x.yaml:2:13: routes[0].name"),
            (ConfigurationPath("clusters")["orders"].key, "x.yaml:6:13: clusters.orders"),
            (ConfigurationPath("clusters")["orders"], "x.yaml:6:21: clusters.orders"),
            (ConfigurationPath("clusters")["a.b"], "x.yaml:6:47: clusters[\"a.b\"]"),
            (ConfigurationPath("clusters")["none"].key, "x.yaml:6:11: clusters"),
            (ConfigurationPath("set")["x-real-ip"].key, "x.yaml:7:8: set.X-Real-IP"),
        ])
    func parts(path: ConfigurationPath, shown: String) { #expect(Self.shown(Self.places.place(of: path)) == shown) }

    @Test("what was written is known, read or not")
    func written() {
        let (places, routes) = (Self.places, ConfigurationPath("routes"))
        #expect(places.isWritten(routes[1]["name"]) && !places.isWritten(routes[1]["retry"]) && !places.isWritten(routes[2]))
        #expect(places.written(at: routes[1]["limits"][1]) == "2/s" && places.written(at: routes[1]) == nil)
        #expect(places.written(at: ConfigurationPath("set")["x-real-ip"].key) == "X-Real-IP")
        #expect(places.names(below: ConfigurationPath("clusters")) == ["orders", "a.b"] && places.names(below: routes[7]) == [])
        #expect(places.names(below: routes) == [])
        #expect(places.isIncomplete(routes) && places.isIncomplete(routes[1]["limits"]))
        #expect(!places.isIncomplete(routes[0]["limits"]) && !places.isIncomplete(ConfigurationPath("none")))
    }

    @Test("without a text, messages name the path alone")
    func none() {
        let findings = Findings(.none)
        findings.report("found x", at: ConfigurationPath("clusters")["a.b"]["tls"])
        findings.report("found y", at: ConfigurationPath("routes")[3]["limits"][0], severity: .warning)
        findings.report("found z", at: .root)
        #expect(findings.issues.report == "clusters[\"a.b\"].tls: found x\nroutes[3].limits[0]: warning: found y\nfound z\n")
        #expect(findings.issues.map { "\($0)" }.last == "found z")
        #expect(!PlaceIndex.none.isWritten(ConfigurationPath("routes")) && !PlaceIndex.none.isIncomplete(.root))
        #expect(PlaceIndex.none.names(below: .root) == nil && PlaceIndex.none.written(at: .root) == nil)
    }
}

import GatewayModelTesting
import HTTPModel
import Matching
import Routing
import Testing

@testable import GatewayModel

@Suite struct RouteMatchConfigurationTests {
    @Test("what routes ask of method, headers, query and path")
    func routeMatches() throws {
        let (value, report) = readConfiguration(
            #"""
            listeners: [{ address: 127.0.0.1:80 }]
            clusters: { web: { endpoints: [10.0.0.1:80], protocol: http1 } }
            routes:
              - { prefix: /v1, http_method: GET, cluster: web, allow: anyone }
              - { path: { regex: "^/u/([^/]+)$" }, http_method: [PUT, POST], cluster: web, allow: anyone }
              - cluster: web
                allow: anyone
                headers: { X-A: "2", x-b: "*", x-c: [a, { prefix: v. }], x-d: { regex: "[0-9]+" }, x-e: { present: false } }
                query: { a: { exact: "" }, B: { suffix: ".é" }, c: { present: true } }
            """#)
        let routes = try #require(value, "\(report)").routes
        #expect(routes.map(\.name) == ["/v1", "^/u/([^/]+)$", "default"])
        #expect(routes[0].match == RouteMatch(target: .subtree("/v1"), httpMethods: ["GET"]))
        #expect(
            routes[1].match
                == RouteMatch(target: .regex(try RegularExpression("^/u/([^/]+)$")), httpMethods: ["PUT", "POST"]))
        #expect(
            routes[2].match.headers == [
                try FieldMatch(header: "x-a", .exact("2")), try FieldMatch(header: "x-b", .present),
                try FieldMatch(header: "x-c", ValueMatch(anyOf: [.exact("a"), .prefix("v.")])),
                try FieldMatch(header: "x-d", ValueMatch(.regex(try RegularExpression("[0-9]+")))),
                try FieldMatch(header: "x-e", ValueMatch(.absent)),
            ])
        #expect(
            routes[2].match.query == [
                FieldMatch(parameter: "a", .exact("")), FieldMatch(parameter: "B", ValueMatch(.suffix(".é"))),
                FieldMatch(parameter: "c", .present),
            ])
    }
}

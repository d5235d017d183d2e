import GatewayModelTesting
import Matching
import Testing

@testable import GatewayModel

@Suite("Header changes, rewrites, redirects and answers as they are written")
struct RouteActionConfigurationTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func field(_ name: String, _ value: String) throws -> HeaderChanges.Field {
        HeaderChanges.Field(name: bytes(name), value: try CallTemplate(value))
    }

    @Test("what routes and methods change of headers")
    func headers() throws {
        let (value, report) = readConfiguration(
            """
            routes:
              - service: a.B
                cluster: orders
                request_headers: { set: { X-Real-IP: "%{client.address}", x-team: "%{claim.team|none}" }, add: { x-b: 1 }, remove: X-Debug }
                response_headers: { set: { x-request-id: "%{request.id}" }, add: { x-served: "%{endpoint}" }, remove: [Server, x-debug] }
                methods: { Get: { request_headers: { remove: [x-b] }, response_headers: { set: { cache-control: no-store } } } }
            """)
        #expect(report == "")
        let route = try #require(value?.routes.first)
        #expect(
            route.requestHeaders
                == HeaderChanges(
                    set: [try field("x-real-ip", "%{client.address}"), try field("x-team", "%{claim.team|none}")],
                    add: [try field("x-b", "1")], remove: [bytes("x-debug")]))
        #expect(
            route.responseHeaders
                == HeaderChanges(
                    set: [try field("x-request-id", "%{request.id}")], add: [try field("x-served", "%{endpoint}")],
                    remove: [bytes("server"), bytes("x-debug")]))
        #expect(route.methods.first?.requestHeaders == HeaderChanges(remove: [bytes("x-b")]))
        #expect(route.methods.first?.responseHeaders == HeaderChanges(set: [try field("cache-control", "no-store")]))
    }

    @Test("as many changed headers as there may be, and one more", arguments: [64, 65])
    func headerCount(count: Int) {
        let names = (1...count).map { "x-\($0)" }.joined(separator: ", ")
        let (value, report) = readConfiguration("routes: [{ cluster: orders, request_headers: { remove: [\(names)] } }]")
        #expect((value != nil) == (count == 64))
        #expect(report.contains("found 65 headers, expected 64 at most") == (count == 65))
    }

    @Test("rewrites by path, prefix, groups and authority")
    func rewrites() throws {
        let (value, report) = readConfiguration(
            #"""
            routes:
              - { path: /a, cluster: orders, rewrite: { path: /b } }
              - { prefix: /v1, cluster: orders, rewrite: { prefix: / } }
              - { prefix: /v2, cluster: orders, rewrite: { prefix: /api/v2, authority: endpoint } }
              - { path: { regex: "^/u/([^/]+)/(.*)$" }, cluster: orders, rewrite: { path: "/users/$2/of-$1$$", authority: "a.b:80" } }
              - { path: { regex: "^/w(/.*)$" }, cluster: orders, rewrite: { path: $1 } }
              - { path: { regex: "^/x$" }, cluster: orders, rewrite: { path: /y$$ } }
              - { path: /c, cluster: orders, rewrite: { authority: caller } }
              - { path: /d, cluster: orders, rewrite: { authority: "[::1]:80", path: /y$ } }
            """#)
        #expect(report == "")
        let rewrites = try #require(value).routes.map(\.rewrite)
        #expect(
            rewrites == [
                RewriteConfiguration(path: .whole(bytes("/b"))),
                RewriteConfiguration(path: .prefix(bytes("/"))),
                RewriteConfiguration(path: .prefix(bytes("/api/v2")), authority: .endpoint),
                RewriteConfiguration(
                    path: .groups([.text(bytes("/users/")), .group(2), .text(bytes("/of-")), .group(1), .text(bytes("$"))]),
                    authority: .host(bytes("a.b:80"))),
                RewriteConfiguration(path: .groups([.group(1)])),
                RewriteConfiguration(path: .whole(bytes("/y$"))),
                RewriteConfiguration(),
                RewriteConfiguration(path: .whole(bytes("/y$")), authority: .host(bytes("[::1]:80"))),
            ])
    }

    @Test("redirects by scheme, authority, path and prefix, and the usual code")
    func redirects() throws {
        let (value, report) = readConfiguration(
            """
            routes:
              - { path: /a, redirect: { scheme: https, code: 308 } }
              - { path: /b, redirect: { authority: "www.acme.dev:8443" } }
              - { path: /c, redirect: { path: "/d/%{request.query.id|none}/e", code: 302 } }
              - { prefix: /d, redirect: { prefix: / , code: 303 } }
              - { cluster: orders }
            """)
        #expect(report == "")
        let routes = try #require(value).routes
        #expect(
            routes.map(\.action) == [
                .redirect(RedirectConfiguration(scheme: .https, code: 308)),
                .redirect(RedirectConfiguration(authority: bytes("www.acme.dev:8443"))),
                .redirect(RedirectConfiguration(path: .whole(try CallTemplate("/d/%{request.query.id|none}/e")), code: 302)),
                .redirect(RedirectConfiguration(path: .prefix(bytes("/")), code: 303)),
                .cluster,
            ])
        #expect(routes[0].cluster == nil && routes[0].clusters.isEmpty)
    }

    @Test("answers with and without a body")
    func answers() throws {
        let largest = String(repeating: "a", count: RespondConfiguration.bodyBytesMax)
        let (value, report) = readConfiguration(
            """
            routes:
              - { path: /a, respond: {} }
              - { path: /b, respond: { status: 503, body: "down for a while" } }
              - { path: /c, respond: { body: "file:page.html", content_type: text/html; charset=utf-8 } }
              - { path: /d, respond: { status: 204 } }
              - { path: /e, respond: { body: "" } }
              - { path: /f, respond: { body: "file:large" } }
              - { cluster: orders }
            """, files: ["page.html": "<p>\n", "large": largest])
        #expect(report == "")
        let plain = bytes("text/plain; charset=utf-8")
        #expect(
            try #require(value).routes.map(\.action) == [
                .respond(RespondConfiguration(status: 200, body: [], contentType: [])),
                .respond(RespondConfiguration(status: 503, body: bytes("down for a while"), contentType: plain)),
                .respond(RespondConfiguration(status: 200, body: bytes("<p>\n"), contentType: bytes("text/html; charset=utf-8"))),
                .respond(RespondConfiguration(status: 204, body: [], contentType: [])),
                .respond(RespondConfiguration(status: 200, body: [], contentType: plain)),
                .respond(RespondConfiguration(status: 200, body: bytes(largest), contentType: plain)),
                .cluster,
            ])
    }

    @Test("a body of one byte too many")
    func bodyTooLarge() {
        let text = String(repeating: "a", count: RespondConfiguration.bodyBytesMax + 1)
        let (value, report) = readConfiguration(
            "routes: [{ path: /a, respond: { body: \"file:large\" } }, { cluster: orders }]", files: ["large": text])
        #expect(value == nil)
        #expect(report == "martlet.yaml:1:39: routes[0].respond.body: found 65537 bytes, expected at most 64KiB\n")
    }

    @Test("what a method changes comes behind what its route changes, and in its place")
    func followed() throws {
        let route = HeaderChanges(
            set: [try field("a", "1"), try field("b", "1")], add: [try field("c", "1")], remove: [bytes("d"), bytes("e")])
        let method = HeaderChanges(
            set: [try field("a", "2"), try field("d", "2")], add: [try field("f", "2")], remove: [bytes("c"), bytes("e")])
        #expect(
            route.followed(by: method)
                == HeaderChanges(
                    set: [try field("b", "1"), try field("a", "2"), try field("d", "2")], add: [try field("f", "2")],
                    remove: [bytes("e"), bytes("c")]))
    }
}

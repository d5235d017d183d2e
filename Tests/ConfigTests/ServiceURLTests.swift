import Testing

@testable import Config

@Suite struct ServiceURLTests {
    @Test("a URL's parts")
    func parts() throws {
        let full = try #require(ServiceURL("rediss://user:p%40ss%3A@Redis.Internal:6380/2"))
        #expect(full.scheme == "rediss" && full.user == "user" && full.password?.text == "p@ss:")
        #expect(full.host == "redis.internal" && full.port == 6380 && full.path == "/2")
        #expect(full.address() == .name("redis.internal", port: 6380))
        let v6 = try #require(ServiceURL("redis://[::1]"))
        #expect(v6.host == "::1" && v6.port == nil && v6.address(defaultPort: 6379) == .ip("::1", port: 6379))
        let unix = try #require(ServiceURL("unix:///run/redis.sock"))
        #expect(unix.host.isEmpty && unix.path == "/run/redis.sock" && unix.address(defaultPort: 1) == nil)
        let absolute = try #require(ServiceURL("https://auth.acme.dev.:8443/jwks"))
        #expect(absolute.address() == .name("auth.acme.dev.", port: 8443))
        #expect(
            absolute.authority(defaultPort: 443) == "auth.acme.dev:8443" && absolute.authority(defaultPort: 8443) == "auth.acme.dev"
        )
        let passwordOnly = try #require(ServiceURL("redis://:secret@10.0.0.1:6379"))
        #expect(passwordOnly.user == nil && passwordOnly.password?.text == "secret")
    }

    @Test(
        "what is no URL",
        arguments: [
            "memory", "redis:", "redis:/a", "://a", "redis://a:b", "redis://a:0", "redis://a:65536", "redis://a b", "redis://[::1",
            "redis://[::1]x", "redis://u:p%zz@a:1", "redis://u@", "redis://a_:1x", "1://a", "redis://ä:1",
        ])
    func noURL(text: String) {
        #expect(ServiceURL(text) == nil)
    }

    private func url(_ text: String, environment: [String: String] = [:]) -> (value: String?, report: String) {
        reading("store: \(text)\n", environment: environment) { root in
            root.required("store", Grammar<String>.serviceURL("redis://host") { $0.scheme == "redis" ? $0.host : nil })
        }
    }

    @Test("no message shows a password, right or wrong")
    func redaction() {
        #expect(url("http://u:hunter2@a:1").report == "test.yaml:1:8: store: found \"http://***@a:1\", expected redis://host\n")
        #expect(url("redis://u:hunter@2@a b").report.contains("found \"redis://***@a b\""))
        #expect(url("hunter2@a").report.contains("found \"***@a\""))
    }

    @Test("a password written out gets a warning, one from the environment does not")
    func warning() {
        let written = url("redis://u:hunter2@a:1")
        #expect(
            written.value == "a" && written.report.contains("warning: the password is written out")
                && !written.report.contains("hunter2"))
        let beside = url("redis://u:hunter2@${HOST}:1", environment: ["HOST": "a"])
        #expect(beside.value == "a" && beside.report.contains("warning:"))
        #expect(url("redis://u:${P}@a:1", environment: ["P": "x"]) == ("a", ""))
        #expect(url("${URL}", environment: ["URL": "redis://u:p@a:1"]) == ("a", ""))
    }
}

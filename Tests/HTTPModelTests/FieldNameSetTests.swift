import HTTPModel
import Testing

@Suite struct FieldNameSetTests {
    static func isIn(_ set: FieldNameSet, _ name: String) -> Bool { Array(name.utf8).withUnsafeBytes { set.contains($0) } }

    @Test(
        "a name has its look-alikes with it",
        arguments: [
            ("x-real-ip", true), ("x_real_ip", true), ("x.real.ip", true), ("x-real_ip", true), ("x_real-ip", true),
            ("x-real-ip2", false),
            ("x-real-i", false), ("real-ip", false), ("x--real-ip", false), ("forwarded", true), ("forwarde", false),
            ("forwarded-", false),
            ("x-forwarded-host", true), ("x_forwarded.prefix", true), ("x-forwarded", true), ("x-forwarded-", false),
            ("x-forwardedhost", false),
            ("x-envoy-anything", true), ("x-auth-request-email", true), ("ssl_client_verify", true),
            ("x-ms-client-principal", true),
            ("x-ms-client-principal-name", true), ("x-consumer", false), ("x-authorize-request-id", false),
            ("x_envoy_original.path", true), ("x-original-url", true), ("x-rewrite-url", true),
            ("x.rewrite_url", true),
            ("x-http-method-override", true), ("x_http_method_override", true), ("x-forwarded-client-cert", true), ("proxy", true),
            ("", false),
            ("x-tenant", false), ("user-agent", false), (String(repeating: "x", count: 300), false),
        ])
    func proxies(name: String, isListed: Bool) { #expect(Self.isIn(.proxies, name) == isListed) }

    @Test("further names are added, with their look-alikes")
    func adding() {
        let set = FieldNameSet.proxies.adding(["x-user", String(repeating: "n", count: 70) + "-n"])
        for name in ["x-user", "x_user", "x.user", "x_real.ip", "x-envoy-a", String(repeating: "n", count: 70) + "_n"] {
            #expect(Self.isIn(set, name), "\(name)")
        }
        for name in ["x-use", "x-users", String(repeating: "n", count: 71) + "n"] { #expect(!Self.isIn(set, name), "\(name)") }
    }

    @Test(
        "what reads like a name of the gateway's own is found, and nothing else",
        arguments: [
            ("x_request_id", true), ("x.request-id", true), ("grpc_timeout", true), ("content_length", true),
            ("transfer.encoding", true),
            ("x_forwarded_for", true), ("x-forwarded_proto", true), ("user_agent", true), ("grpc_previous_rpc_attempts", true),
            ("grpc.status", true),
            ("content_type", true),
            ("x-request-id", false), ("content-type", false), ("x_custom", false), ("grpc_custom", false), ("te", false),
            ("", false),
            (String(repeating: "_", count: 40), false),
        ])
    func lookAlikes(name: String, isOne: Bool) {
        #expect(Array(name.utf8).withUnsafeBytes { FieldNameSet.isLookAlike($0) } == isOne)
    }
}

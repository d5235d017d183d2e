internal import Config

/// Keys that other gateways have, and what is written here instead.
extension Section {
    /// Of a route.
    func hintAtRouteKeysOfOthers() {
        hint(["host", "hosts", "hostname", "hostnames", "domain", "domains", "server_name"], "expected authority")
        hint(["path_prefix", "pathPrefix", "url", "uri", "uris", "paths", "location"], "expected path or prefix")
        hint(
            [
                "strip_prefix", "strip_path", "stripPrefix", "prefix_rewrite", "regex_rewrite", "path_rewrite", "url_rewrite",
                "rewrites",
            ],
            "expected rewrite, such as { prefix: / } beside the route's prefix")
        hint(["host_rewrite", "host_rewrite_literal", "preserve_host"], "expected rewrite: { authority: … }")
        hint(["regex", "safe_regex", "path_regex"], "expected path: { regex: … }")
        hint(["upstream", "backend", "proxy_pass", "service_name", "grpc_pass"], "expected cluster", for: "cluster")
        hint(["upstreams", "backends", "weighted_clusters"], "expected clusters", for: "cluster")
        hint(
            ["auth", "jwt", "jwt_authn", "issuers", "auth_request"],
            "expected authentication, at the top level for issuers, and allow here for who may call")
        hint(["rate_limit", "rate_limits", "ratelimit", "limit_req", "rate_limiting"], "expected limits")
        hint(["retries", "retry_policy", "num_retries", "proxy_next_upstream"], "expected retry")
        hint(["websocket", "upgrade_configs"], "expected none: WebSocket is not served")
        hint(["direct_response", "return", "static_response"], "expected respond, or redirect", for: "cluster")
        hint(["client_max_body_size", "max_body_size", "max_request_bytes"], "expected body_bytes")
        hint(["idle_timeout", "stream_idle_timeout"], "expected stream_idle")
        hint(["proxy_read_timeout", "read_timeout", "request_timeout"], "expected timeout")
        hint(
            ["request_headers_to_add", "proxy_set_header", "request_headers_to_remove"],
            "expected request_headers with set, add or remove"
        )
        hint(
            ["response_headers_to_add", "add_header", "response_headers_to_remove"],
            "expected response_headers with set, add or remove")
        hint(
            ["match", "matches"],
            "expected what it matches on the route itself: authority, service, path, prefix, headers and so on")
        hint("method") {
            $0.namesHTTPMethods ? "expected http_method, which matches HTTP methods: methods are a service's" : nil
        }
        hint("per_try_timeout") { _ in "expected it in retry: without one there is a single attempt, whose time is timeout" }
    }

    /// Of the file.
    func hintAtKeysOfOthers() {
        hint(["upstreams", "upstream", "backends", "services"], "expected clusters")
        hint(["server", "servers", "entrypoints", "gateways"], "expected listeners")
        hint(["auth", "jwt", "jwt_authn", "issuers"], "expected authentication")
    }

    private func hint(_ keys: [String], _ text: String, for meant: String? = nil) {
        for key in keys { hint(key, for: meant) { _ in text } }
    }
}

extension Node {
    /// `GET`, or a list that begins with one such.
    var namesHTTPMethods: Bool {
        guard let text = (elements?.first ?? self).scalar?.text, !text.isEmpty else { return false }
        return text.utf8.allSatisfy { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }
    }
}

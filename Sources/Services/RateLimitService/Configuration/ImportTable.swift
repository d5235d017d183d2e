/// What becomes of envoyproxy/ratelimit's environment variables: `martlet ratelimit --import`.
package enum ImportTable {
    struct Row {
        /// With `*` for any text.
        let variables: [String]
        /// Of limits.yaml; `nil` where there is none.
        let key: String?
        let note: String

        init(_ variables: [String], key: String?, _ note: String = "") {
            self.variables = variables
            self.key = key
            self.note = note
        }
    }

    static let rows = [
        Row(["GRPC_HOST", "GRPC_PORT"], key: "listeners[].address"),
        Row(["GRPC_UDS"], key: "listeners[].address", "unix:/path"),
        Row(["HOST", "PORT"], key: "listeners[].address", "/json and /healthcheck are served by the listeners of gRPC"),
        Row(["DEBUG_HOST", "DEBUG_PORT"], key: "admin.address", "/rlconfig, /live, /ready and /metrics"),
        Row(
            ["GRPC_SERVER_USE_TLS", "GRPC_SERVER_TLS_CERT", "GRPC_SERVER_TLS_KEY"], key: "listeners[].tls",
            "certificate, private_key"),
        Row(["GRPC_CLIENT_TLS_CACERT"], key: "listeners[].tls.client_ca"),
        Row(["GRPC_CLIENT_TLS_SAN"], key: nil, "any certificate of client_ca is accepted"),
        Row(["GRPC_MAX_CONNECTION_AGE", "GRPC_MAX_CONNECTION_AGE_GRACE"], key: "listeners[].limits", "age, age_grace"),
        Row(["RUNTIME_ROOT", "RUNTIME_SUBDIRECTORY", "RUNTIME_APPDIRECTORY"], key: "rule_files", "their path, joined by /"),
        Row(["RUNTIME_WATCH_ROOT"], key: nil, "changes of files and folders are always taken up"),
        Row(["RUNTIME_IGNOREDOTFILES"], key: nil, "hidden files are always passed over"),
        Row(["MERGE_DOMAIN_CONFIG"], key: "merge_domains"),
        Row(["CONFIG_TYPE", "CONFIG_GRPC_XDS_*", "XDS_CLIENT_BACKOFF_*"], key: nil, "no xDS: FILE is the only source"),
        Row(
            ["FORCE_START_WITHOUT_INITIAL_CONFIG", "HEALTHY_WITH_AT_LEAST_ONE_CONFIG_LOADED"], key: nil,
            "it starts only with a configuration"),
        Row(["NEAR_LIMIT_RATIO"], key: "near_limit", "0.8 is 80%"),
        Row(["SHADOW_MODE"], key: "shadow_mode"),
        Row(["QUOTA_MODE"], key: nil, "quota_mode stands on each descriptor"),
        Row(
            ["STOP_CACHE_KEY_INCREMENT_WHEN_OVERLIMIT"], key: "domains[].charging",
            "true is all_or_none, the default; false is each"),
        Row(["LIMIT_RESPONSE_HEADERS_ENABLED"], key: "response_headers"),
        Row(
            ["LIMIT_LIMIT_HEADER", "LIMIT_REMAINING_HEADER", "LIMIT_RESET_HEADER"], key: "response_headers",
            "limit, remaining, reset"),
        Row(["LIMIT_REQUEST_HEADERS_ENABLED", "LIMIT_REQUEST_*_HEADER"], key: nil, "no request headers"),
        Row(["RESPONSE_DYNAMIC_METADATA"], key: nil, "no dynamic metadata"),
        Row(["BACKEND_TYPE"], key: "rate_limits.store", "redis or memory"),
        Row(["CACHE_KEY_PREFIX"], key: "rate_limits.domain", "counters have other names: they begin anew"),
        Row(["LOCAL_CACHE_SIZE_IN_BYTES"], key: "rate_limits.lease", "what is over its limit is remembered with it"),
        Row(["EXPIRATION_JITTER_MAX_SECONDS"], key: nil, "counters expire with their window"),
        Row(
            ["REDIS_TYPE", "REDIS_SOCKET_TYPE", "REDIS_URL"], key: "stores.NAME",
            "redis, mode; sentinel: { master: NAME } for the first of sentinel's"),
        Row(["REDIS_AUTH"], key: "stores.NAME", "user, password"),
        Row(["REDIS_SENTINEL_AUTH"], key: "stores.NAME.sentinel", "user, password"),
        Row(["REDIS_TLS", "REDIS_TLS_CACERT"], key: "stores.NAME.tls", "ca"),
        Row(["REDIS_TLS_CLIENT_CERT", "REDIS_TLS_CLIENT_KEY"], key: "stores.NAME.tls", "certificate, private_key"),
        Row(["REDIS_TLS_SKIP_HOSTNAME_VERIFICATION"], key: "stores.NAME.tls.verify", "off checks nothing of the certificate"),
        Row(["REDIS_TIMEOUT"], key: "rate_limits.timeout"),
        Row(
            ["REDIS_POOL_SIZE", "REDIS_POOL_ON_EMPTY_*", "REDIS_PIPELINE_WINDOW", "REDIS_PIPELINE_LIMIT"], key: nil,
            "one pipelined connection for each worker"),
        Row(
            ["REDIS_HEALTH_CHECK_ACTIVE_CONNECTION"], key: "rate_limits.when_unavailable",
            "what is answered without Redis; martlet_limit_store_down shows it"),
        Row(["REDIS_PERSECOND*"], key: nil, "one store for all limits"),
        Row(["MEMCACHE_*"], key: nil, "no memcached"),
        Row(["USE_PROMETHEUS", "PROMETHEUS_ADDR", "PROMETHEUS_PATH"], key: "admin.address", "/metrics, always"),
        Row(["PROMETHEUS_MAPPER_YAML"], key: nil, "metrics have labels"),
        Row(["USE_STATSD", "STATSD_*", "EXTRA_TAGS", "STATS_FLUSH_INTERVAL", "DISABLE_STATS"], key: nil, "no StatsD"),
        Row(["USE_DOG_STATSD", "USE_DOG_STATSD_MOGRIFIERS"], key: nil, "no DogStatsD"),
        Row(["LOG_LEVEL", "LOG_FORMAT"], key: nil, "mistakes and changes go to standard error"),
        Row(["TRACING_*"], key: nil, "no tracing"),
    ]

    /// A line for each variable, in columns; those that are set are marked, and no value is shown: some are secrets.
    package static func text(isSet: (String) -> Bool) -> String {
        let cells =
            [("variable", "key", "")]
            + rows.flatMap { row in
                row.variables.map { (isSet($0) ? "\($0) (set)" : $0, row.key ?? "none", row.note) }
            }
        let widths = (cells.map(\.0.utf8.count).max() ?? 0, cells.map(\.1.utf8.count).max() ?? 0)
        return cells.map { variable, key, note in
            var line = padded(variable, widths.0) + "  " + padded(key, widths.1) + (note.isEmpty ? "" : "  \(note)")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: width - text.utf8.count)
    }
}

// swift-tools-version: 6.1
import PackageDescription

// The floors: a target imports only lower floors, never sideways (ARCHITECTURE.md, and Tests/TidyTests hold it).
// Targets are listed bottom to top. A module stands in the folder of its group, a group has the name of its floors: Protocols/HTTP2.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // The request crosses a dozen modules: without it every call between them is opaque, and every generic unspecialised.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

// Exclusive access is proven at compile time or checked as the program runs, which takes some 70 instructions each time. In the release
// build those modules go unchecked where checks would cost a row of the budgets more than 0.5 %: each says which row, and how much.
// Debug builds, where every Swift test runs, check all modules, and so does the optimized build that the scenarios run against
// (`Scripts/test scenarios --checked`).
let unchecked: [SwiftSetting] =
    Context.environment["MARTLET_CHECKED"] == nil
    ? [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))] : []

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// - Parameter checksCost: what checks of exclusive access would cost, where that is too much.
func module(_ place: String, _ dependencies: [Target.Dependency] = [], unchecked checksCost: String? = nil) -> Target {
    .target(
        name: String(place.split(separator: "/").last!), dependencies: dependencies, path: "Sources/\(place)",
        swiftSettings: checksCost == nil ? settings : settings + unchecked)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies, swiftSettings: settings)
}

let package = Package(
    name: "martlet",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // 0  C
        .systemLibrary(
            name: "CNghttp2", path: "Sources/C/CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "COpenSSL", path: "Sources/C/COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CJWT", path: "Sources/C/CJWT", pkgConfig: "libjwt", providers: [.apt(["libjwt-dev"])]),
        .systemLibrary(name: "CHiredis", path: "Sources/C/CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CZlib", path: "Sources/C/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CLinux", path: "Sources/C/CLinux"),
        .target(name: "CFieldChecks", path: "Sources/C/CFieldChecks"),
        .target(name: "CRE2", path: "Sources/C/CRE2"),

        // 1  foundations: bytes
        module("Foundations/Bytes", unchecked: "server streaming: 23.5 %"),
        module("Foundations/Random"),
        module("Foundations/Compression", ["CZlib"]),

        // 2  foundations
        module("Foundations/JSON", ["Bytes"]),
        module("Foundations/Crypto", ["COpenSSL", "Random"]),
        module("Foundations/Time", ["CLinux"]),
        module("Foundations/Metrics"),
        module("Foundations/Matching", ["CRE2", "Bytes"]),

        // 3  vocabulary
        module("Vocabulary/Net", ["Bytes"]),
        module("Vocabulary/HTTPModel", ["Bytes", "Matching"], unchecked: "h2c -m 1: 0.7 %"),
        module("Vocabulary/TLS", ["COpenSSL", "Bytes", "Time"]),
        module("Vocabulary/JOSE", ["CJWT", "Bytes", "JSON", "Crypto", "Time"]),
        module("Vocabulary/Protobuf", ["Bytes"]),
        module("Vocabulary/Messages", [protobuf]),
        module("Vocabulary/Reactor", ["CLinux", "Time"], unchecked: "h2c -m 1: 4.4 %"),

        // 4  sockets
        module("Sockets/Sockets", ["CLinux", "Bytes", "Time", "Net", "TLS", "Reactor"], unchecked: "http1: 7.4 %"),

        // 5  protocols
        module("Protocols/HTTP1", ["Bytes", "JSON", "HTTPModel"], unchecked: "http1: 21.9 %"),
        module("Protocols/HTTP2", ["CNghttp2", "CFieldChecks", "Bytes", "HTTPModel"], unchecked: "h2c -m 1: 7.7 %"),
        module("Protocols/GRPC", ["Bytes", "Compression", "JSON", "Time", "HTTPModel"]),
        module("Protocols/Config", ["Bytes", "Net", yams]),
        module("Protocols/Redis", ["CHiredis", "Bytes", "Random", "Crypto", "Time", "Reactor", "Sockets"]),
        module("Protocols/Telemetry", ["CLinux", "Bytes", "Random", "Time", "Metrics", "Reactor"]),
        module("Protocols/DNS", ["Bytes", "Time", "Net"]),

        // 6  policy
        module("Policy/Balancing", ["Bytes", "Random", "Time"]),
        module("Policy/AccessControl", ["Bytes", "JSON", "Matching", "Net", "HTTPModel", "TLS", "JOSE"]),
        module("Policy/Routing", ["Bytes", "Matching", "Net", "HTTPModel"]),
        module("Policy/LimitRules", ["Bytes", "Config"]),
        module("Policy/Quotas", ["Bytes", "JSON", "Time"]),
        module("Policy/Transcoding", ["Bytes", "JSON", "Time", "Protobuf", "GRPC"], unchecked: "json: 38.0 %"),

        // 7  transport
        module(
            "Transport/Transport",
            [
                "CLinux", "Bytes", "Random", "Crypto", "Time", "Net", "HTTPModel", "TLS", "Reactor", "Sockets", "HTTP1", "HTTP2",
                "GRPC", "Config", "DNS",
            ], unchecked: "http1: 20.6 %"),
        module(
            "Transport/Bridging", ["Bytes", "Compression", "JSON", "HTTPModel", "GRPC", "Config", "Transcoding"],
            unchecked: "connect unary: 1.5 %"),
        module(
            "Transport/RateLimit", ["Bytes", "Crypto", "Time", "Metrics", "Reactor", "Config", "Redis", "LimitRules"],
            unchecked: "tls-jwt -m 32: 1.6 %"),

        // 8  model
        module(
            "Model/GatewayModel",
            [
                "Bytes", "JSON", "Time", "Matching", "Net", "HTTPModel", "JOSE", "Protobuf", "GRPC", "Config", "Balancing",
                "AccessControl", "Routing", "Transcoding", "Transport", "Bridging", "LimitRules", "RateLimit",
            ]),

        // 9  model: schemas
        module(
            "Model/Schemas",
            [
                "Bytes", "Crypto", "Time", "Matching", "HTTPModel", "Protobuf", "GRPC", "Config", "Routing", "Transcoding",
                "GatewayModel",
            ]),

        module(
            "Model/GatewayChecks",
            [
                "Net", "Matching", "JOSE", "HTTPModel", "GRPC", "Config", "Balancing", "AccessControl", "Routing",
                "Transport", "Bridging", "LimitRules", "RateLimit", "GatewayModel",
            ]),

        // 10  gateway: upstreams
        module(
            "Gateway/Upstreams",
            [
                "Bytes", "Random", "JSON", "Time", "Metrics", "Net", "HTTPModel", "TLS", "JOSE", "Protobuf", "Reactor", "Sockets",
                "GRPC",
                "Config",
                "DNS", "Balancing", "Transcoding", "Transport", "LimitRules", "RateLimit", "GatewayModel", "Schemas",
            ], unchecked: "http1: 1.0 %"),

        // 11  gateway: snapshots
        module(
            "Gateway/Snapshots",
            [
                "Bytes", "Random", "Crypto", "Time", "Matching", "Metrics", "Net", "HTTPModel", "TLS", "JOSE", "Protobuf", "GRPC",
                "Config",
                "Balancing", "AccessControl", "Routing", "Quotas", "Transcoding", "Transport", "Bridging", "LimitRules",
                "RateLimit",
                "GatewayModel", "Schemas", "Upstreams",
            ]),

        // 12  gateway: calls
        module(
            "Gateway/Calls",
            [
                "Bytes", "Time", "Matching", "HTTPModel", "JOSE", "GRPC", "Balancing", "AccessControl", "Routing", "GatewayModel",
                "Upstreams", "Snapshots",
            ]),

        // 13  gateway: filters
        module(
            "Gateway/Filters",
            [
                "Bytes", "Random", "JSON", "Time", "Metrics", "Net", "HTTPModel", "TLS", "JOSE", "Protobuf", "Reactor", "Sockets",
                "GRPC",
                "Telemetry", "Balancing", "AccessControl", "Routing", "Quotas", "Transcoding", "Transport", "Bridging", "RateLimit",
                "GatewayModel", "Schemas", "Upstreams", "Snapshots", "Calls",
            ], unchecked: "json: 9.6 %"),

        // 14  gateway
        module(
            "Gateway/Gateway",
            [
                "Bytes", "Random", "Crypto", "Time", "Metrics", "Net", "HTTPModel", "TLS", "JOSE",
                "Protobuf", "Reactor", "Sockets", "GRPC", "Redis", "Telemetry", "Balancing", "Routing",
                "Transcoding", "Transport", "Bridging", "RateLimit", "GatewayModel", "Upstreams", "Snapshots", "Calls",
                "Filters",
            ], unchecked: "json: 9.6 %"),

        // 15  services
        module(
            "Services/RateLimitService",
            [
                "Bytes", "Time", "Metrics", "Net", "HTTPModel", "TLS", "Protobuf", "Reactor", "Sockets", "GRPC", "Config",
                "Transcoding",
                "Transport", "RateLimit",
            ]),
        module(
            "Services/QuotaService",
            [
                "Bytes", "JSON", "Time", "Metrics", "Messages", "Reactor", "GRPC", "Redis", "Routing", "Quotas", "Transport",
                "LimitRules", "RateLimit",
                "Upstreams", "Snapshots", protobuf,
            ]),
        module("Services/Demo", ["Bytes", "Net", "Protobuf", "Messages", "Reactor", "Sockets", "GRPC", "Transport", protobuf]),
        module(
            "Services/Calling",
            [
                "Bytes", "JSON", "Net", "HTTPModel", "TLS", "Protobuf", "Reactor", "Sockets", "GRPC", "Config", "Transcoding",
                "Transport",
            ]),

        // 16  control
        module(
            "Control/Control",
            [
                "CLinux", "Bytes", "Random", "Crypto", "Time", "Metrics", "Net", "HTTPModel", "TLS", "JOSE", "Reactor", "Sockets",
                "HTTP1", "Config", "Redis", "Telemetry", "DNS", "Balancing", "Quotas", "Transport", "LimitRules", "RateLimit",
                "GatewayModel",
                "GatewayChecks", "Schemas",
                "Upstreams", "Snapshots", "Filters", "Gateway", "RateLimitService", "QuotaService", "Demo",
            ]),

        // 17  executable
        .executableTarget(
            name: "martlet",
            dependencies: [
                "Bytes", "JSON", "Crypto", "Time", "Net", "TLS", "JOSE", "Messages", "Reactor", "GRPC", "Config", "Telemetry",
                "Transport",
                "GatewayModel", "GatewayChecks", "RateLimitService", "QuotaService", "Calling", "Control", arguments, protobuf,
            ],
            swiftSettings: settings),

        // Tests: a target each, in the floors' order; helpers that several of them share.
        .target(
            name: "GRPCTesting",
            dependencies: [
                "Bytes", "Random", "Time", "Net", "HTTPModel", "TLS", "Reactor", "Sockets", "GRPC", "Transport",
            ],
            path: "Tests/GRPCTesting", swiftSettings: settings),
        .target(name: "HTTPTesting", dependencies: ["Bytes", "HTTPModel"], path: "Tests/HTTPTesting", swiftSettings: settings),
        .target(name: "BytesTesting", path: "Tests/BytesTesting", swiftSettings: settings),
        .target(
            name: "GatewayModelTesting", dependencies: ["Config", "GatewayModel", "GatewayChecks"],
            path: "Tests/GatewayModelTesting",
            swiftSettings: settings),
        .target(name: "RedisServer", dependencies: ["Bytes", "Time", "Redis"], path: "Tests/RedisServer", swiftSettings: settings),
        .target(name: "TLSTesting", dependencies: ["COpenSSL"], path: "Tests/TLSTesting", swiftSettings: settings),
        .target(
            name: "FuzzEntries",
            dependencies: [
                "Bytes", "Random", "Compression", "JSON", "Crypto", "Time", "Matching", "Net", "HTTPModel", "JOSE", "Protobuf",
                "HTTP1", "HTTP2", "GRPC", "Config", "Redis", "Telemetry", "DNS", "Routing", "Transcoding", "LimitRules",
                "RateLimit", "Calls",
                "Gateway", "RateLimitService", "Calling", "Control",
            ],
            path: "Tests/FuzzEntries", swiftSettings: settings),
        tests("Bytes"),
        tests("Random"),
        tests("Compression", ["Random"]),
        tests("JSON", ["Bytes", "Random", "BytesTesting"]),
        tests("Crypto"),
        tests("Time"),
        tests("Metrics"),
        tests("Matching", ["Random"]),
        tests("Net", ["Random", "BytesTesting"]),
        tests("HTTPModel", ["CNghttp2", "Bytes", "HTTPTesting"]),
        tests("TLS", ["COpenSSL", "Bytes", "Time", "TLSTesting"]),
        tests("JOSE", ["COpenSSL", "CJWT", "Bytes", "Random", "JSON", "Crypto", "Time"]),
        tests("Protobuf", ["Random"]),
        tests("Reactor", ["Random", "Time"]),
        tests("Sockets", ["Bytes", "Time", "Net", "TLS", "Reactor", "TLSTesting"]),
        tests("HTTP1", ["Bytes", "Random", "HTTPModel", "HTTPTesting"]),
        tests("HTTP2", ["CNghttp2", "CFieldChecks", "Bytes", "Random", "HTTPModel", "HTTPTesting"]),
        tests("GRPC", ["Bytes", "Random", "Compression", "HTTPModel", "Messages", protobuf]),
        tests("Config"),
        tests("Redis", ["Bytes", "Time", "Net", "TLS", "Reactor", "Sockets", "RedisServer"]),
        tests("Telemetry", ["Bytes", "Random", "Time", "Metrics"]),
        tests("DNS", ["Random", "Time", "Net"]),
        tests("Balancing", ["Bytes", "Random", "Time"]),
        tests(
            "AccessControl", ["Bytes", "Random", "JSON", "Crypto", "Matching", "Net", "HTTPModel", "TLS", "JOSE", "BytesTesting"]),
        tests("Routing", ["Random", "Matching", "Net", "HTTPModel", "BytesTesting"]),
        tests("Quotas", ["Bytes"]),
        tests("Transcoding", ["Bytes", "Random", "Protobuf"]),
        tests(
            "Transport",
            [
                "CNghttp2", "Bytes", "Time", "Net", "HTTPModel", "TLS", "Reactor", "Sockets", "HTTP2", "GRPC", "DNS", "HTTPTesting",
                "GRPCTesting", "TLSTesting",
            ]),
        tests("Bridging", ["Bytes"]),
        tests("LimitRules"),
        tests(
            "RateLimit", ["LimitRules", "Bytes", "Random", "Time", "Metrics", "Net", "Reactor", "Sockets", "Redis", "RedisServer"]),
        tests(
            "GatewayModel",
            [
                "Matching", "Net", "HTTPModel", "JOSE", "GRPC", "Config", "Balancing", "AccessControl", "Routing", "Transport",
                "LimitRules", "RateLimit", "GatewayChecks", "GatewayModelTesting",
            ]),
        tests("Schemas", ["Time"]),
        tests(
            "Upstreams",
            [
                "Bytes", "Time", "Net", "HTTPModel", "Reactor", "Sockets", "GRPC", "Config", "Balancing", "Transport", "LimitRules",
                "RateLimit",
                "GatewayModel",
                "Schemas",
                "GRPCTesting",
            ]),
        tests("Snapshots", ["Matching", "AccessControl", "LimitRules", "RateLimit", "GatewayModel", "GatewayModelTesting"]),
        tests(
            "Calls",
            [
                "Bytes", "Random", "Time", "HTTPModel", "GRPC", "Balancing", "Routing", "Bridging", "GatewayModel", "Snapshots",
                "GatewayModelTesting",
            ]),
        tests("Filters", ["Bytes", "Net", "HTTPModel", "Routing", "Transport", "LimitRules", "RateLimit", "GatewayModel"]),
        tests(
            "Gateway",
            [
                "Bytes", "Time", "Metrics", "Net", "HTTPModel", "TLS", "JOSE", "Reactor", "Sockets", "GRPC", "Config", "Balancing",
                "AccessControl", "Routing", "Transport", "RateLimit", "GatewayModel", "Upstreams", "Snapshots", "Calls", "Filters",
                "GRPCTesting",
                "GatewayModelTesting",
            ]),
        tests(
            "QuotaService",
            ["Bytes", "Time", "Net", "Reactor", "Sockets", "Redis", "Quotas", "Transport", "RedisServer", "GRPCTesting"]),
        tests(
            "RateLimitService",
            [
                "Bytes", "Time", "Metrics", "Net", "HTTPModel", "Messages", "Reactor", "Sockets", "GRPC", "Config", "Redis",
                "Transport", "RateLimit", "GRPCTesting", "RedisServer", protobuf,
            ]),
        tests(
            "Demo",
            [
                "Bytes", "Net", "HTTPModel", "Protobuf", "Messages", "Reactor", "Sockets", "GRPC", "Transport", "GRPCTesting",
                protobuf,
            ]),
        tests("Calling", ["Bytes", "Net", "Protobuf", "GRPC", "Transport", "Demo", "GRPCTesting", protobuf]),
        tests(
            "Control",
            [
                "Bytes", "Random", "Time", "Metrics", "Net", "HTTPModel", "TLS", "JOSE", "Reactor", "Sockets", "HTTP1", "Config",
                "DNS", "Transport", "RateLimit", "GatewayModel", "GatewayChecks", "Schemas", "Upstreams", "Snapshots", "Filters",
                "Gateway",
                "GRPCTesting",
                "TLSTesting",
            ]),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzEntries"], swiftSettings: settings),
        .testTarget(name: "TidyTests", swiftSettings: settings),
        // 19  the fuzz entries as a program, for the optimized build
        .executableTarget(name: "Fuzz", dependencies: ["FuzzEntries"], path: "Tests/Fuzz", swiftSettings: settings),
    ]
)

// Scripts/test thread builds and runs few of the tests, and only what these need.
if let wanted = Context.environment["MARTLET_TEST_TARGETS"]?.split(separator: ",") {
    package.targets.removeAll { target in target.type == .test && !wanted.contains { $0 == target.name } }
}

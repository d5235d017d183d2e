// swift-tools-version: 6.1
import PackageDescription

// The floors: a target imports only lower floors, never sideways (ARCHITECTURE.md, and Tests/TidyTests hold it).
// Targets are listed bottom to top.

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
func module(_ name: String, _ dependencies: [Target.Dependency] = [], unchecked checksCost: String? = nil) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: checksCost == nil ? settings : settings + unchecked)
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
        .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CJWT", pkgConfig: "libjwt", providers: [.apt(["libjwt-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CLinux"),
        .target(name: "CFieldValue"),
        .target(name: "CRE2"),

        // 1  bytes
        module("Bytes", unchecked: "server streaming: 23.5 %"),
        module("Random"),
        module("Compression", ["CZlib"]),

        // 2  foundations
        module("JSON", ["Bytes"]),
        module("Crypto", ["COpenSSL", "Random"]),
        module("Time", ["CLinux"]),
        module("Metrics"),
        module("Matching", ["CRE2"]),

        // 3  vocabulary
        module("Net", ["Bytes"]),
        module("HTTPModel", ["Bytes"], unchecked: "h2c -m 1: 0.7 %"),
        module("TLS", ["COpenSSL", "Bytes", "Time"]),
        module("JOSE", ["CJWT", "Bytes", "JSON", "Crypto", "Time"]),
        module("Protobuf", ["Bytes"]),
        module("Messages", [protobuf]),
        module("Reactor", ["CLinux", "Time"], unchecked: "h2c -m 1: 4.4 %"),

        // 4  sockets
        module("Sockets", ["CLinux", "Bytes", "Time", "Net", "TLS", "Reactor"], unchecked: "http1: 7.4 %"),

        // 5  protocols
        module("HTTP1", ["Bytes", "JSON", "HTTPModel"], unchecked: "http1: 21.9 %"),
        module("HTTP2", ["CNghttp2", "CFieldValue", "Bytes", "HTTPModel"], unchecked: "h2c -m 1: 7.7 %"),
        module("GRPC", ["Bytes", "Compression", "JSON", "Time", "HTTPModel"]),
        module("Config", ["Bytes", "Net", yams]),
        module("Redis", ["CHiredis", "Bytes", "Random", "Time", "Reactor", "Sockets"]),
        module("Telemetry", ["CLinux", "Bytes", "Random", "Time", "Metrics", "Reactor"]),
        module("DNS", ["Bytes", "Time", "Net"]),

        // 6  policy
        module("Balancing", ["Bytes", "Random", "Time"]),
        module("AccessControl", ["Bytes", "Net", "HTTPModel", "TLS", "JOSE"]),
        module("Routing", ["Bytes", "Matching", "Net", "HTTPModel"]),
        module("Transcoding", ["Bytes", "JSON", "Time", "Protobuf", "GRPC"], unchecked: "json: 38.0 %"),

        // 7  assemblies
        module(
            "Transport",
            [
                "CLinux", "Bytes", "Random", "Crypto", "Time", "Net", "HTTPModel", "TLS", "Reactor", "Sockets", "HTTP1", "HTTP2",
                "GRPC", "Config", "DNS",
            ], unchecked: "http1: 20.6 %"),
        module(
            "Bridging", ["Bytes", "Compression", "JSON", "HTTPModel", "GRPC", "Transcoding"], unchecked: "connect unary: 1.5 %"),
        module("RateLimit", ["Bytes", "Crypto", "Time", "Reactor", "Config", "Redis"], unchecked: "tls-jwt -m 32: 1.6 %"),

        // 8  model
        module(
            "GatewayModel",
            [
                "Bytes", "JSON", "Time", "Matching", "Net", "HTTPModel", "JOSE", "Protobuf", "GRPC", "Config", "Balancing",
                "AccessControl", "Routing", "Transcoding", "Transport", "RateLimit",
            ]),

        // 9  schemas
        module(
            "Schemas",
            ["Bytes", "Crypto", "Time", "Matching", "Protobuf", "GRPC", "Config", "Routing", "Transcoding", "GatewayModel"]),

        // 10  upstreams
        module(
            "Upstreams",
            [
                "Bytes", "Random", "JSON", "Time", "Metrics", "Net", "HTTPModel", "TLS", "JOSE", "Protobuf", "Reactor", "Sockets",
                "GRPC",
                "Config",
                "DNS", "Balancing", "Transcoding", "Transport", "RateLimit", "GatewayModel", "Schemas",
            ], unchecked: "http1: 1.0 %"),

        // 11  snapshots
        module(
            "Snapshots",
            [
                "Bytes", "Random", "Crypto", "Time", "Metrics", "Net", "HTTPModel", "TLS", "JOSE", "Protobuf", "GRPC",
                "Config",
                "Balancing", "AccessControl", "Routing", "Transcoding", "Transport", "RateLimit", "GatewayModel", "Schemas",
                "Upstreams",
            ]),

        // 12  calls
        module(
            "Calls",
            ["Bytes", "Time", "Matching", "HTTPModel", "GRPC", "Balancing", "Routing", "GatewayModel", "Upstreams", "Snapshots"]),

        // 13  products
        module(
            "Gateway",
            [
                "Bytes", "Random", "Crypto", "Time", "Metrics", "Net", "HTTPModel", "TLS", "JOSE",
                "Protobuf", "Reactor", "Sockets", "GRPC", "Redis", "Telemetry", "Balancing", "AccessControl", "Routing",
                "Transcoding", "Transport", "Bridging", "RateLimit", "GatewayModel", "Schemas", "Upstreams", "Snapshots", "Calls",
            ], unchecked: "json: 9.6 %"),
        module(
            "RateLimitService",
            [
                "Bytes", "Random", "Time", "Metrics", "Net", "HTTPModel", "Reactor", "Sockets", "GRPC", "Config", "Redis",
                "Transport", "RateLimit",
            ]),
        module("Demo", ["Bytes", "Net", "Protobuf", "Messages", "Reactor", "Sockets", "GRPC", "Transport", protobuf]),

        module(
            "Calling",
            ["Bytes", "Net", "HTTPModel", "TLS", "Protobuf", "Reactor", "Sockets", "GRPC", "Config", "Transcoding", "Transport"]),

        // 14  control
        module(
            "Control",
            [
                "CLinux", "Bytes", "Random", "Crypto", "Time", "Metrics", "Net", "HTTPModel", "TLS", "JOSE", "Reactor", "Sockets",
                "HTTP1", "Config", "Redis", "Telemetry", "DNS", "Balancing", "Transport", "RateLimit", "GatewayModel", "Schemas",
                "Upstreams", "Snapshots", "Gateway", "RateLimitService", "Demo",
            ]),

        // 15  executable
        .executableTarget(
            name: "martlet",
            dependencies: [
                "Bytes", "JSON", "Crypto", "Time", "Net", "TLS", "JOSE", "Reactor", "Config", "Telemetry", "Transport",
                "GatewayModel", "RateLimitService", "Calling", "Control", arguments,
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
            name: "GatewayModelTesting", dependencies: ["Config", "GatewayModel"], path: "Tests/GatewayModelTesting",
            swiftSettings: settings),
        .target(name: "RedisServer", path: "Tests/RedisServer", swiftSettings: settings),
        .target(name: "TLSTesting", dependencies: ["COpenSSL"], path: "Tests/TLSTesting", swiftSettings: settings),
        .target(
            name: "FuzzEntries",
            dependencies: [
                "Bytes", "Random", "Compression", "JSON", "Crypto", "Time", "Matching", "Net", "HTTPModel", "JOSE", "Protobuf",
                "HTTP1", "HTTP2", "GRPC", "Config", "Redis", "Telemetry", "DNS", "Routing", "Transcoding", "RateLimit", "Calls",
                "Gateway", "RateLimitService", "Calling", "Control",
            ],
            path: "Tests/FuzzEntries", swiftSettings: settings),
        tests("Bytes"),
        tests("Random"),
        tests("Compression", ["Random"]),
        tests("JSON", ["Bytes", "Random"]),
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
        tests("HTTP2", ["CNghttp2", "CFieldValue", "Bytes", "Random", "HTTPModel", "HTTPTesting"]),
        tests("GRPC", ["Bytes", "Random", "Compression", "HTTPModel", "Messages", protobuf]),
        tests("Config"),
        tests("Redis", ["Bytes", "Time", "Net", "TLS", "Reactor", "Sockets", "RedisServer"]),
        tests("Telemetry", ["Bytes", "Random", "Time", "Metrics"]),
        tests("DNS", ["Random", "Time", "Net"]),
        tests("Balancing", ["Bytes", "Random", "Time"]),
        tests("AccessControl", ["Bytes", "Random", "JSON", "Crypto", "Net", "HTTPModel", "TLS", "JOSE", "BytesTesting"]),
        tests("Routing", ["Random", "Matching", "Net", "HTTPModel", "BytesTesting"]),
        tests("Transcoding", ["Bytes", "Random", "Protobuf"]),
        tests(
            "Transport",
            [
                "CNghttp2", "Bytes", "Time", "Net", "HTTPModel", "TLS", "Reactor", "Sockets", "HTTP2", "GRPC", "DNS", "HTTPTesting",
                "GRPCTesting", "TLSTesting",
            ]),
        tests("Bridging", ["Bytes"]),
        tests("RateLimit", ["Bytes", "Random", "Time", "Net", "Reactor", "Sockets", "Redis", "RedisServer"]),
        tests(
            "GatewayModel",
            [
                "Matching", "Net", "HTTPModel", "JOSE", "GRPC", "Config", "Balancing", "AccessControl", "Routing", "Transport",
                "RateLimit", "GatewayModelTesting",
            ]),
        tests("Schemas", ["Time"]),
        tests(
            "Upstreams",
            [
                "Bytes", "Time", "Net", "HTTPModel", "Reactor", "Sockets", "GRPC", "Balancing", "Transport", "RateLimit",
                "GatewayModel",
                "Schemas",
                "GRPCTesting",
            ]),
        tests("Snapshots", ["AccessControl", "GatewayModel"]),
        tests("Calls", ["Bytes", "Random", "Time", "HTTPModel", "GRPC", "Balancing", "Routing", "GatewayModel", "Snapshots"]),
        tests(
            "Gateway",
            [
                "Bytes", "Time", "Metrics", "Net", "HTTPModel", "TLS", "JOSE", "Reactor", "Sockets", "GRPC", "Config", "Balancing",
                "AccessControl", "Routing", "Transport", "RateLimit", "GatewayModel", "Upstreams", "Snapshots", "Calls",
                "GRPCTesting",
                "GatewayModelTesting",
            ]),
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
                "DNS", "Transport", "RateLimit", "GatewayModel", "Schemas", "Upstreams", "Snapshots", "Gateway", "GRPCTesting",
                "TLSTesting",
            ]),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzEntries"], swiftSettings: settings),
        .testTarget(name: "TidyTests", swiftSettings: settings),
        // 17  the fuzz entries as a program, for the optimized build
        .executableTarget(name: "Fuzz", dependencies: ["FuzzEntries"], path: "Tests/Fuzz", swiftSettings: settings),
    ]
)

// Scripts/test thread builds and runs few of the tests, and only what these need.
if let wanted = Context.environment["MARTLET_TEST_TARGETS"]?.split(separator: ",") {
    package.targets.removeAll { target in target.type == .test && !wanted.contains { $0 == target.name } }
}

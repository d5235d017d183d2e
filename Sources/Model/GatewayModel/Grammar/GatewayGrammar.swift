internal import Bridging
package import Config
internal import Net
internal import RateLimit
internal import Transport

extension GatewayConfiguration {
    /// Reads what martlet.yaml says, section by section; what its sections say of each other is checked afterwards.
    package static func read(_ section: Section) -> GatewayConfiguration? {
        let workers = section.value("workers", .workers, default: nil)
        let drain = section.value("drain", .drain, default: .defaults)
        let accessLog = section.value("access_log", .accessLog, default: .stdout)
        let admin = AdminSection.read(in: section)
        let trustedProxies = section.value("trusted_proxies", .list(of: .cidr, isEmptyAllowed: true), default: [])
        let addressPrefix = section.value("address_prefix", .addressPrefix, default: AddressPrefix())
        let memory = section.value("memory", .memory, default: .defaults)
        let overload = section.value("overload", .overload, default: .defaults)
        let resolver = section.value("resolver", .resolver, default: .defaults)
        let listeners = section.required("listeners", .listeners)
        let authentication = section.optional("authentication", .authentication)
        let plans = section.value("plans", .plans, default: [])
        let rateLimits = NamedStores.readWithUse(in: section)
        let openAPI = section.optional("openapi", .openAPI)
        let gzip = section.optional("gzip", .gzip)
        let clusters = needsClusters(section) ? section.required("clusters", .clusters) : section.optional("clusters", .clusters)
        let routes = section.required("routes", .routes)
        section.hintAtKeysOfOthers()
        return GatewayConfiguration(
            workers: workers, drain: drain, accessLog: accessLog,
            admin: admin, trustedProxies: trustedProxies, addressPrefix: addressPrefix, memory: memory, overload: overload,
            resolver: resolver,
            listeners: listeners ?? [], authentication: authentication, plans: plans, rateLimits: rateLimits,
            openAPI: openAPI, gzip: gzip, clusters: clusters ?? [], routes: routes ?? [])
    }
}

extension GatewayConfiguration {
    /// Routes that all redirect or respond lead to no cluster.
    private static func needsClusters(_ section: Section) -> Bool {
        let known = section.has("clusters")
        let routes = section.node("routes")?.elements ?? []
        return known || routes.isEmpty || !routes.allSatisfy { ($0.has("redirect") || $0.has("respond")) && !$0.has("mirror") }
    }
}

extension Grammar where Value == AccessLogTarget {
    /// A path has a slash in it, so that a slip in `stdout` does not become a file.
    static var accessLog: Grammar {
        let expected = "off, stdout, or a path with a slash such as ./access.log or /var/log/martlet.json"
        let words = Grammar(expected: expected) { (text: String) in
            switch text {
            case "off": .value(AccessLogTarget.off)
            case "stdout": .value(.stdout)
            default: .mismatch(hint: Spelling.hint(for: text, among: ["off", "stdout"]))
            }
        }
        return Grammar(expected: expected) { node, reader, expected in
            if let scalar = node.scalar, !scalar.isBroken, scalar.text.contains("/") {
                return .file(scalar.text)
            }
            return words.read(node, reader)
        }
    }
}

extension Grammar where Value == MemoryConfiguration {
    static var memory: Grammar {
        .section { section in
            let defaults = MemoryConfiguration.defaults
            let process = section.value("process", .byteSize((16 << 20)...Int.max), default: defaults.process)
            let connection = section.value(
                "connection", .byteSize((1 << 20)...Int.max), default: min(defaults.connection, process))
            if connection > process {
                section.report(
                    "found \(ByteSize.text(connection)), expected at most \(ByteSize.text(process)), "
                        + "which the whole process may hold",
                    about: "connection")
            }
            let replay = section.value("replay", .byteSize(), default: min(defaults.replay, process / 4))
            return MemoryConfiguration(process: process, connection: connection, replay: replay)
        }
    }
}

extension Grammar where Value == AddressPrefix {
    static var addressPrefix: Grammar {
        .section(expected: "a mapping with ipv4 and ipv6, such as { ipv4: 32, ipv6: 64 }") { section in
            let defaults = AddressPrefix()
            return AddressPrefix(
                ipv4: section.value("ipv4", .count(0...32), default: defaults.ipv4),
                ipv6: section.value("ipv6", .count(0...128), default: defaults.ipv6))
        }
    }
}

extension Grammar where Value == CIDR {
    static var cidr: Grammar {
        Grammar(expected: CIDR.Mistake.notAnAddress.expected) { (text: String) in
            do throws(CIDR.Mistake) {
                return .value(try CIDR(text))
            } catch {
                return .expected(error.expected)
            }
        }
    }
}

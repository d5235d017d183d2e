internal import AccessControl
internal import Bridging
internal import Config
internal import GRPC
internal import Matching
internal import RateLimit
internal import Routing
internal import Transport

extension AccessRules {
    /// Reads `allow` and `deny`; `owner` is what rules without a name are named after.
    init(in section: Section, owner: String) {
        self.init(
            allow: section.optional("allow", .namedRule("\(owner).allow")),
            deny: section.optional("deny", .namedRule("\(owner).deny")))
    }
}

extension Grammar where Value == [RouteConfiguration] {
    static var routes: Grammar {
        Grammar(expected: "a list of routes, each a mapping with cluster") { node, reader, expected in
            var taken: Set<String> = []
            let route = Grammar<RouteConfiguration>.section(expected: "a mapping with cluster") { section in
                RouteConfiguration.read(section, taken: &taken)
            }
            return Grammar.list(of: route).expecting(expected).read(node, reader)
        }
    }
}

extension RouteConfiguration {
    /// - Parameter taken: the names of the routes before this one.
    fileprivate static func read(_ section: Section, taken: inout Set<String>) -> RouteConfiguration? {
        let match = RouteMatch(in: section)
        let name = name(in: section, for: match, taken: &taken)
        let traffic = TrafficConfiguration(in: section)
        let cluster = cluster(in: section, traffic)
        let rewrite = section.optional("rewrite", .rewrite(of: match?.targets, hasPrefix: section.has("prefix")))
        let action = action(in: section, match)
        let fallback = section.optional("fallback", .fallback)
        let timeout = section.optional("timeout", .callTimeout(orElse: "leave it out for no timeout"))
        let streamIdle = section.optional("stream_idle", .bound(.timeout))
        let bodyBytes = section.optional("body_bytes", .bound(.byteSize()))
        let access = AccessRules(in: section, owner: name)
        let credentials = section.value("authentication", .authenticationMode, default: .on)
        let limits = section.value("limits", .limits(of: name), default: [])
        let cost = section.value("cost", .cost, default: 1)
        let expose = section.value("expose", .boolean, default: false)
        let priority = section.value("priority", .choice, default: Priority.default)
        let attempts = AttemptsConfiguration(in: section, isMethod: false)
        let requestHeaders = section.optional("request_headers", .headerChanges(.request))
        let requestQuery = section.optional("request_query", .queryChanges)
        let responseHeaders = section.optional("response_headers", .headerChanges(.response))
        let namesHTTPMethods = section.node("methods")?.namesHTTPMethods == true
        let methods = namesHTTPMethods ? [] : section.value("methods", .methods(of: name), default: [])
        let cors = section.optional("cors", .cors)
        let errorResponses = section.value("error_response", .errorResponses, default: [])
        let json = section.optional("json", .json)
        let gzip = section.optional("gzip", .gzip)
        let protocols = section.value("protocols", .callerProtocols, default: .all)
        if section.has("methods"), namesHTTPMethods || !section.has("service") { reportMethods(in: section, match) }
        section.hintAtRouteKeysOfOthers()
        // A key that is not known may have been meant to keep requests out: without it the route would hide others.
        guard let match, let action, action != .cluster || cluster != nil, !section.hasUnknownKeys else { return nil }
        return RouteConfiguration(
            name: name, match: match, cluster: cluster, timeout: timeout, streamIdle: streamIdle, bodyBytes: bodyBytes,
            access: access, credentials: credentials,
            limits: limits, cost: cost, expose: expose, methods: methods, cors: cors, errorResponses: errorResponses,
            protocols: protocols,
            json: json, gzip: gzip, priority: priority,
            traffic: traffic, attempts: attempts, action: action, fallback: fallback, rewrite: rewrite ?? RewriteConfiguration(),
            requestHeaders: requestHeaders ?? HeaderChanges(), requestQuery: requestQuery ?? QueryChanges(),
            responseHeaders: responseHeaders ?? HeaderChanges())
    }

    /// `methods` without a service, whose RPCs they are.
    private static func reportMethods(in section: Section, _ match: RouteMatch?) {
        let names = section.node("methods")?.entries?.map(\.key.value) ?? []
        if section.node("methods")?.namesHTTPMethods == true {
            return section.report("found HTTP methods, expected them in http_method: methods are a service's", about: "methods")
        }
        let instead: String
        if let service = match?.targets.compactMap(\.serviceOfPaths).first {
            instead =
                "expected service: \(service) in place of \(section.has("prefix") ? "prefix" : "path"): methods are a service's"
        } else if names.contains(where: { $0 == $0.uppercased() }) {
            instead = "expected beside it: methods are a service's; HTTP methods are matched by http_method"
        } else {
            instead = "expected beside it: methods are a service's"
        }
        section.report("found without service, \(instead)", about: "methods")
    }

    /// The first of its clusters; `nil` where the gateway answers itself.
    private static func cluster(in section: Section, _ traffic: TrafficConfiguration) -> String? {
        if section.has("clusters") { return traffic.split.first?.cluster }
        let name = Grammar<String>.text("the name of a cluster")
        return answering.contains { section.has($0) }
            ? section.optional("cluster", name) : section.required("cluster", name)
    }

    /// What answers its calls; `nil` where that could not be read.
    private static func action(in section: Section, _ match: RouteMatch?) -> Action? {
        let redirect = section.optional(
            "redirect",
            .redirect(of: match?.targets, hasPrefix: section.has("prefix")))
        let respond = section.optional("respond", .respond(status: 200))
        let served = section.optional("serve", .choice) as Served?
        let answers = (["cluster", "clusters"] + answering).filter { section.has($0) }
        for other in answers.dropFirst() where other != "clusters" { section.exclude(answers[0], with: other) }
        guard let key = answering.first(where: { section.has($0) }) else { return .cluster }
        for other in needingCluster where section.has(other) {
            section.report("found beside \(Quoted.text(key)), expected beside a cluster: nothing is sent upstream", about: other)
        }
        if section.has("service"), section.has("redirect") {
            section.report(
                "found beside \"service\", expected path or prefix: clients of RPCs follow no redirects", about: "redirect")
        } else if section.has("service") {
            section.report(
                "found beside \"service\", whose callers expect the answer of an RPC, expected path or prefix, "
                    + "or fault: { abort: { grpc_status: … } } beside a cluster",
                about: key)
        }
        return redirect.map { .redirect($0) } ?? respond.map { .respond($0) } ?? served.map { .serve($0) }
    }

    /// The gateway answers itself.
    private static let answering = ["redirect", "respond", "serve"]

    /// What is said of calls upstream.
    private static let needingCluster = [
        "rewrite", "request_headers", "request_query", "mirror", "fault", "fallback", "timeout", "retry", "max_stream_duration",
        "json", "gzip",
    ]

    /// The name as written, or the first service or path, with a number behind it where an earlier route has it.
    private static func name(in section: Section, for match: RouteMatch?, taken: inout Set<String>) -> String {
        if let name = section.optional("name", .located(.name)) {
            if !taken.insert(name.value).inserted {
                section.reader.report(
                    "found \(Quoted.text(name.value)), which an earlier route has, expected a name of its own", at: name.place)
            }
            return name.value
        }
        let written = match?.targets.first?.text ?? ""
        let base = written.isEmpty ? "default" : written
        var name = base
        var number = 2
        while !taken.insert(name).inserted {
            name = "\(base)-\(number)"
            number += 1
        }
        return name
    }
}

extension RouteMatch.Target {
    /// Of a path that only RPCs of one service have.
    fileprivate var serviceOfPaths: String? {
        let path: String
        switch self {
        case .path(let own), .prefix(let own), .subtree(let own): path = own
        case .any, .service, .services, .regex: return nil
        }
        let segments = path.split(separator: "/")
        guard let name = segments.first, segments.count <= 2, name.contains("."), (try? Self(service: String(name))) != nil else {
            return nil
        }
        return String(name)
    }
}

extension Grammar {
    fileprivate static func bound<Inner>(_ inner: Grammar<Inner>) -> Grammar where Value == RouteConfiguration.Bound<Inner> {
        Grammar<Inner?>.word("none", or: inner).map { $0.map { .atMost($0) } ?? .unlimited }
    }
}

extension Grammar where Value == Duration {
    /// Of a whole call. Elsewhere a zero means none.
    static func callTimeout(orElse instead: String) -> Grammar {
        let timeout = Grammar.timeout
        return Grammar(expected: timeout.expected) { (text: String) in
            if let duration = DurationText.read(text), duration == .zero { return .expected("\(timeout.expected); \(instead)") }
            return Reading(DurationText.read(text).flatMap { $0 >= .milliseconds(1) && $0 <= .seconds(36_500 * 86_400) ? $0 : nil })
        }
    }
}

extension Grammar where Value == [LimitConfiguration] {
    fileprivate static func limits(of owner: String) -> Grammar {
        Grammar.limitList.map { limits in
            limits.enumerated().map { index, limit in limit.named("\(owner).limits[\(index)]") }
        }
    }
}

extension Grammar where Value == [MethodConfiguration] {
    fileprivate static func methods(of route: String) -> Grammar {
        let expected = "a mapping of method names, each a mapping with allow, deny, limits, cost or timeout"
        return Grammar(expected: expected) { node, reader, expected in
            guard let entries = node.entries else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            return entries.compactMap { entry in
                let name = entry.key
                guard MethodConfiguration.isName(name.value) else {
                    reader.report(
                        "found \(Quoted.text(name.value)), expected a method's name such as CreateOrder", at: name.place)
                    return nil
                }
                return reader.section(entry.value) { section in
                    let owner = "\(route).\(name.value)"
                    return MethodConfiguration(
                        name: name.value,
                        timeout: section.optional("timeout", .callTimeout(orElse: "leave it out for the route's")),
                        access: AccessRules(in: section, owner: owner),
                        limits: section.value("limits", .limits(of: owner), default: []),
                        cost: section.optional("cost", .cost),
                        attempts: AttemptsConfiguration(in: section, isMethod: true),
                        requestHeaders: section.value("request_headers", .headerChanges(.request), default: HeaderChanges()),
                        responseHeaders: section.value("response_headers", .headerChanges(.response), default: HeaderChanges()))
                }
            }
        }
    }
}

extension MethodConfiguration {
    /// An identifier of protobuf.
    fileprivate static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            let lower = byte | 0x20
            return (0x30...0x39).contains(byte) || (0x61...0x7a).contains(lower) || byte == 0x5f
        }
    }
}

internal import Config
internal import HTTPModel
internal import Routing

extension Grammar where Value == RedirectConfiguration {
    /// - Parameters:
    ///   - targets: what the route matches; `nil` where that could not be read.
    ///   - hasPrefix: whether it stands on a route by `prefix:`.
    static func redirect(of targets: [RouteMatch.Target]?, hasPrefix: Bool) -> Grammar {
        .section(expected: "a mapping with scheme, authority, path or prefix") { section in
            let scheme = section.optional("scheme", Grammar<RedirectConfiguration.Scheme>.choice)
            let authority = section.optional("authority", .redirectAuthority)
            section.exclude("path", with: "prefix")
            let path = section.optional("path", .redirectPath(of: targets ?? []))
            let prefix = section.optional("prefix", .replacedPrefix)
            let code = section.value("code", .redirectCode, default: 301)
            section.requireOne(of: ["scheme", "authority", "path", "prefix"])
            section.requireRoutePrefix(hasPrefix, of: targets ?? [])
            // Without what could not be read it would lead elsewhere.
            guard (scheme != nil) == section.has("scheme"), (authority != nil) == section.has("authority"),
                (path != nil) == section.has("path"), (prefix != nil) == section.has("prefix"),
                scheme != nil || authority != nil || path != nil || prefix != nil
            else { return nil }
            return RedirectConfiguration(
                scheme: scheme, authority: authority, path: path ?? prefix.map { .prefix($0) }, code: code)
        }
    }
}

extension Grammar where Value == RedirectConfiguration.Path {
    /// A whole path: with variables, or with `$1` where every path of the route is a regular expression.
    fileprivate static func redirectPath(of targets: [RouteMatch.Target]) -> Grammar {
        let template = Grammar<CallTemplate>.redirectTemplate
        return Grammar(expected: template.expected) { node, reader, expected in
            guard let text = node.scalar?.text, RewrittenPath.namesGroup(text) else {
                return template.expecting(expected).read(node, reader).map { .whole($0) }
            }
            if text.contains("%{") {
                reader.report(
                    "found \(Quoted.text(text)), expected groups such as $1, or variables such as %{request.path}, but not both",
                    at: node.place)
                return nil
            }
            return Grammar<RewriteConfiguration.Path>.rewrittenPath(of: targets).read(node, reader).flatMap { path in
                if case .groups(let pieces) = path { .groups(pieces) } else { nil }
            }
        }
    }
}

extension Grammar where Value == CallTemplate {
    fileprivate static var redirectTemplate: Grammar {
        .callTemplate("a path that begins with / and has no query, such as /v1/orders") { template in
            for variable in template.variables {
                if variable.isOfAnswer || variable == .cluster {
                    return "variables of the request: a redirect is answered without an upstream"
                }
                if variable.isCredential {
                    return
                        "no credential of the caller: where a redirect leads is kept in histories and logs, and sent on as Referer"
                }
            }
            // What a variable says is encoded as a part of one segment, but for the request's path.
            let example = template.parts.map { part -> String in
                switch part {
                case .text(let text): String(decoding: text, as: UTF8.self)
                case .variable(.requestPath, _): "/x"
                case .variable: "x"
                }
            }
            return PathText.problem(with: example.joined())
        }
    }
}

extension Grammar where Value == [UInt8] {
    fileprivate static var redirectAuthority: Grammar {
        let host = Grammar.hostAndPort("a host such as www.acme.dev or www.acme.dev:8443")
        return Grammar(expected: host.expected) { node, reader, expected in
            guard let word = node.scalar?.text, ["caller", "endpoint"].contains(word) else {
                return host.expecting(expected).read(node, reader)
            }
            reader.report(
                "found \(Quoted.text(word)), expected \(expected)\(word == "caller" ? "; leave it out for the caller's" : "")",
                at: node.place)
            return nil
        }
    }
}

extension Grammar where Value == Int {
    fileprivate static var redirectCode: Grammar {
        let codes = [301, 302, 303, 307, 308]
        return Grammar(expected: Quoted.alternatives(codes.map(String.init))) { (text: String) in
            Reading(codes.first { String($0) == text })
        }
    }
}

extension Grammar where Value == FallbackConfiguration {
    static var fallback: Grammar {
        .section(expected: "a mapping with cluster or respond, such as { cluster: NAME }") { section in
            section.exclude("cluster", with: "respond")
            let cluster = section.optional("cluster", .text("the name of a cluster"))
            // An outage is no success unless that is said.
            let respond = section.optional("respond", .respond(status: 503))
            section.requireOne(of: ["cluster", "respond"])
            return cluster.map { .cluster($0) } ?? respond.map { .respond($0) }
        }
    }
}

extension Grammar where Value == RespondConfiguration {
    /// - Parameter usual: the status where none is written.
    static func respond(status usual: Int) -> Grammar {
        .section(expected: "a mapping with status, body or content_type") { section in
            let status = section.value("status", .count(200...599), default: usual)
            let body = section.optional("body", .body)
            let contentType = section.optional("content_type", .contentType)
            if section.has("body"), [204, 205, 304].contains(status) {
                section.report("found beside a status of \(status), whose responses have no body", about: "body")
            }
            if section.has("content_type"), !section.has("body") {
                section.report("found without body, expected beside it", about: "content_type")
            }
            let type = contentType ?? (section.has("body") ? Array("text/plain; charset=utf-8".utf8) : [])
            return RespondConfiguration(status: status, body: body ?? [], contentType: type)
        }
    }
}

extension Grammar where Value == [UInt8] {
    /// A text, or `file:PATH`.
    fileprivate static var body: Grammar {
        Grammar(expected: "a text, or file:PATH") { node, reader, expected in
            guard let text = Grammar<String>(expected: expected, text: { .value($0) }).read(node, reader) else { return nil }
            let isFile = text.hasPrefix("file:")
            guard let body = isFile ? reader.readFile(String(text.dropFirst(5)), for: node) : text else { return nil }
            guard body.utf8.count <= RespondConfiguration.bodyBytesMax else {
                reader.report(
                    "found \(body.utf8.count) bytes, expected at most \(ByteSize.text(RespondConfiguration.bodyBytesMax))",
                    at: node.place)
                return nil
            }
            return Array(body.utf8)
        }
    }

    static var contentType: Grammar {
        Grammar(expected: "a media type such as application/json") { (text: String) in
            let parts = text.prefix { $0 != ";" }.split(separator: "/", omittingEmptySubsequences: false)
            let isType = parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(HTTPGrammar.isToken) }
            guard isType, FieldMatch.isHeaderValue(text) else { return .mismatch }
            if text.lowercased().hasPrefix("application/grpc") {
                return .expected("another media type: gRPC's callers are never answered so")
            }
            return .value(Array(text.utf8))
        }
    }
}

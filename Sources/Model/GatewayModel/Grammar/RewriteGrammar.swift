internal import Config
internal import HTTPModel
internal import Matching
internal import Routing

extension Grammar where Value == RewriteConfiguration {
    /// - Parameters:
    ///   - targets: what the route matches; `nil` where that could not be read.
    ///   - hasPrefix: whether it is a route by `prefix:`.
    static func rewrite(of targets: [RouteMatch.Target]?, hasPrefix: Bool) -> Grammar {
        .section(expected: "a mapping with path, prefix or authority") { section in
            section.exclude("path", with: "prefix")
            let path = section.optional("path", .rewrittenPath(of: targets ?? []))
            let prefix = section.optional("prefix", .replacedPrefix)
            let authority = section.value("authority", .rewrittenAuthority, default: .caller)
            section.requireOne(of: ["path", "prefix", "authority"])
            section.requireRoutePrefix(hasPrefix, of: targets ?? [])
            if let targets, RouteMatch(authorities: [], targets: targets).isOfServices, section.has("path") {
                section.report(
                    "found beside the route's service, whose calls are told apart by their path, expected path or prefix in place of service",
                    about: "path")
            }
            return RewriteConfiguration(path: path ?? prefix.map { .prefix($0) }, authority: authority)
        }
    }
}

extension Section {
    /// Says that none of several keys is there, of which at least one has to be.
    func requireOne(of keys: [String]) {
        // A key that was misspelt is the mistake to mend first.
        guard !keys.contains(where: has), !hasUnknownKeys else { return }
        report("found none of \(keys.dropLast().joined(separator: ", ")) and \(keys.last ?? ""), expected at least one")
    }

    /// `prefix` of a rewrite or redirect, where the route itself has none.
    func requireRoutePrefix(_ hasPrefix: Bool, of targets: [RouteMatch.Target]) {
        guard has("prefix"), !hasPrefix else { return }
        for case .prefix(let path) in targets {
            let prefix = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
            return report(
                "found beside path: \(RouteMatch.Target.prefix(path).text), expected the route's own as prefix: \(prefix), which takes "
                    + "\(prefix) itself, too: this replaces what it matched",
                about: "prefix")
        }
        report("found without the route's own prefix, expected that beside it: this replaces what it matched", about: "prefix")
    }
}

extension Grammar where Value == [UInt8] {
    /// A path in place of a route's prefix: `/`, or one without a slash at its end.
    static var replacedPrefix: Grammar {
        Grammar(expected: RouteMatch.Mistake.notAPrefix.expected) { (text: String) in
            if text != "/", text.hasSuffix("/") { return .expected("no / at the end: what follows the prefix begins with one") }
            do throws(RouteMatch.Mistake) {
                _ = try RouteMatch.Target(prefix: text)
                return .value(Array(text.utf8))
            } catch .wildcardInPrefix {
                return .expected("a path without *, such as /v1: it replaces the route's prefix alone")
            } catch {
                return .expected(error.expected)
            }
        }
    }

    /// A host, with or without a port, in lower case.
    static func hostAndPort(_ expected: String) -> Grammar {
        Grammar(expected: expected) { (text: String) in Reading(AuthorityText.isHostAndPort(text) ? Array(text.utf8) : nil) }
    }
}

extension Grammar where Value == RewriteConfiguration.Authority {
    fileprivate static var rewrittenAuthority: Grammar {
        let expected = "a host such as orders.internal or orders.internal:8080, caller or endpoint"
        return Grammar(expected: expected) { (text: String) in
            switch text {
            case "caller": return .value(.caller)
            case "endpoint": return .value(.endpoint)
            default:
                guard AuthorityText.isHostAndPort(text) else { return .mismatch }
                return .value(.host(Array(text.utf8)))
            }
        }
    }
}

extension Grammar where Value == RewriteConfiguration.Path {
    /// A whole path, with `$1` where every path of the route is a regular expression.
    static func rewrittenPath(of targets: [RouteMatch.Target]) -> Grammar {
        let groupCounts = targets.compactMap { if case .regex(let expression) = $0 { expression.groupCount } else { nil } }
        let groupCount = groupCounts.count == targets.count ? groupCounts.min() : nil
        return Grammar(expected: "a path that begins with / and has no query, such as /v1/orders") { (text: String) in
            guard let groupCount else {
                if RewrittenPath.namesGroup(text) {
                    return .expected(
                        groupCounts.isEmpty
                            ? "a path without groups such as $1, which only path: { regex: … } of the route has"
                            : "a path without groups such as $1: some paths of the route are no regular expressions")
                }
                return PathText.problem(with: text).map { .expected($0) } ?? .value(.whole(Array(text.utf8)))
            }
            do throws(RewrittenPath.Mistake) {
                let pieces = try RewrittenPath.pieces(text, groupCount: groupCount)
                if case .group(let group) = pieces.first, group > 0, targets.contains(where: { $0.hasSlash(beforeGroup: group) }) {
                    return .expected("a path that begins with /, such as /\(text): what $\(group) takes has none in front")
                }
                if let problem = PathText.problem(with: RewrittenPath.example(pieces)) { return .expected(problem) }
                guard pieces.contains(where: { if case .group = $0 { true } else { false } }) else {
                    return .value(.whole(Array(RewrittenPath.example(pieces).utf8)))
                }
                return .value(.groups(pieces))
            } catch {
                return .expected(error.expected)
            }
        }
    }
}

extension RouteMatch.Target {
    /// Whether a capturing group of its expression stands behind a slash, and so begins with none: `//` is always refused.
    fileprivate func hasSlash(beforeGroup wanted: Int) -> Bool {
        guard case .regex(let expression) = self else { return false }
        let text = Array(expression.text)
        var (group, index, isInClass) = (0, 0, false)
        while index < text.count {
            switch text[index] {
            case "\\": index += 1
            case "[": isInClass = true
            case "]": isInClass = false
            case "(" where !isInClass && (index + 1 >= text.count || text[index + 1] != "?"):
                group += 1
                if group == wanted { return index > 0 && text[index - 1] == "/" }
            // A named group is no less one; which other flags there are does not matter, as none captures.
            case "(" where !isInClass && (text[index...].starts(with: "(?P<") || text[index...].starts(with: "(?<")):
                group += 1
                if group == wanted { return index > 0 && text[index - 1] == "/" }
            default: break
            }
            index += 1
        }
        return false
    }
}

enum PathText {
    /// What was expected instead of a path that is sent, or sent to; `nil` where it is one.
    static func problem(with text: String) -> String? {
        if text.contains("#") { return "a path without a fragment" }
        guard text.hasPrefix("/"), !text.contains("?") else {
            return "a path that begins with / and has no query, such as /v1/orders"
        }
        if text.contains("*") { return "a path without *: it is sent as it is" }
        if text.contains(where: { "{}[]|^\"<>`".contains($0) }) { return "a path without braces, brackets, quotes, | and ^" }
        if let fault = PathShape.fault(in: text) { return RouteMatch.Mistake.unsafePath(fault).expected }
        return text.contains(";") ? RouteMatch.Mistake.pathWithParameters.expected : nil
    }
}

/// `/users/$1`: texts and the groups of a regular expression, `$$` for a dollar sign.
enum RewrittenPath {
    enum Mistake: Error {
        case loneDollar
        case noGroup(Int, of: Int)

        var expected: String {
            switch self {
            case .loneDollar: "$$ for a dollar sign, or $0 to $9 for a group of the route's expression"
            case .noGroup(let group, let count):
                "a group that the route's expression has, not $\(group): it has "
                    + (count == 0 ? "none" : count == 1 ? "one, $1" : "\(count), up to $\(min(count, 9))")
            }
        }
    }

    static func namesGroup(_ text: String) -> Bool {
        zip(text.utf8, text.utf8.dropFirst()).contains { $0 == UInt8(ascii: "$") && HTTPGrammar.isDigit($1) }
    }

    static func pieces(_ text: String, groupCount: Int) throws(Mistake) -> [RewriteConfiguration.Piece] {
        var pieces: [RewriteConfiguration.Piece] = []
        var literal: [UInt8] = []
        var bytes = text.utf8[...]
        while let byte = bytes.popFirst() {
            guard byte == UInt8(ascii: "$") else {
                literal.append(byte)
                continue
            }
            guard let next = bytes.popFirst() else { throw .loneDollar }
            if next == byte {
                literal.append(byte)
                continue
            }
            guard HTTPGrammar.isDigit(next) else { throw .loneDollar }
            let group = Int(next - UInt8(ascii: "0"))
            guard group <= groupCount else { throw .noGroup(group, of: groupCount) }
            if !literal.isEmpty { pieces.append(.text(literal)) }
            literal = []
            pieces.append(.group(group))
        }
        if !literal.isEmpty { pieces.append(.text(literal)) }
        return pieces
    }

    /// With a segment for each group: what a group takes is looked at when it is known.
    static func example(_ pieces: [RewriteConfiguration.Piece]) -> String {
        var example = ""
        for piece in pieces {
            switch piece {
            case .text(let text): example += String(decoding: text, as: UTF8.self)
            case .group: example += example.isEmpty ? "/x" : "x"
            }
        }
        return example
    }
}

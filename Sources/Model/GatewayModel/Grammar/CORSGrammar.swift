internal import Config
internal import Matching

extension Grammar where Value == CORSConfiguration {
    static var cors: Grammar {
        .section(expected: "a mapping with origins") { section in
            let origins = section.required("origins", .origins)
            let headers = section.value("headers", .corsHeaders, default: .named([]))
            let exposed = section.value("expose", .list(of: .headerName, isEmptyAllowed: true), default: [])
            let methods = section.value("methods", .list(of: .httpMethod), default: ["GET", "POST"])
            let maxAge = section.value("max_age", .duration, default: .seconds(600))
            let credentials = section.value("credentials", .corsCredentials, default: .refused)
            let privateNetwork = section.value("private_network", .boolean, default: false)
            guard let origins else { return nil }
            let takesNull = section.node("origins").map { ($0.elements ?? [$0]).contains { $0.namesNull } } ?? false
            return CORSConfiguration(
                origins: origins, takesNull: takesNull, headers: headers, exposed: exposed, methods: methods, maxAge: maxAge,
                credentials: credentials, allowsPrivateNetwork: privateNetwork)
        }
    }
}

extension Grammar where Value == ValueMatch {
    /// One origin, or a list of them.
    fileprivate static var origins: Grammar {
        let match = Grammar.valueMatch(exact: .origin, part: .originPart, bare: .originOrPattern)
        return Grammar(expected: Grammar<ValueMatch.Test>.originOrPattern.expected) { node, reader, expected in
            guard let match = match.expecting(expected).read(node, reader) else { return nil }
            for test in match.tests {
                switch test {
                case .range: reader.report("found a range of numbers, expected origins", at: node.place)
                case .absent: reader.report("found present: false, expected origins", at: node.place)
                default: continue
                }
                return nil
            }
            return match
        }
    }
}

extension Grammar where Value == String {
    /// As browsers send it.
    fileprivate static var origin: Grammar {
        Grammar(expected: "an origin such as https://app.acme.dev, or null") { (text: String) in
            switch Origin.read(text) {
            case .value(let origin): origin.hasPattern ? .mismatch(hint: "; beside \"exact\" a * is none") : .value(text)
            case .mismatch(let hint): .mismatch(hint: hint)
            case .expected(let better): .expected(better)
            }
        }
    }

    fileprivate static var originPart: Grammar {
        Grammar(expected: "a part of an origin such as https://app. or .acme.dev") { (text: String) in
            text == text.lowercased() ? .value(text) : .mismatch(hint: "; browsers send origins in lower case")
        }
    }

    fileprivate static var headerName: Grammar {
        Grammar(expected: "a header's name in lower case, such as x-version") { text in
            let isName =
                !text.isEmpty
                && text.utf8.allSatisfy { byte in
                    (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2d || byte == 0x5f
                }
            return isName ? .value(text) : .mismatch
        }
    }
}

extension Grammar where Value == ValueMatch.Test {
    /// With `*` for the labels below a domain, for the port, or for everything.
    fileprivate static var originOrPattern: Grammar {
        let expected = "an origin such as https://app.acme.dev, https://*.acme.dev, http://localhost:* or *"
        return Grammar(expected: expected) { (text: String) in
            if text == "*" { return .value(.present) }
            switch Origin.read(text) {
            case .mismatch(let hint): return .mismatch(hint: hint)
            case .expected(let better): return .expected(better)
            case .value(let origin):
                guard origin.hasPattern else { return .value(.exact(text)) }
                do throws(RegularExpression.Mistake) {
                    return .value(
                        .regex(
                            try OriginPattern.expression(
                                origin.scheme, isBelow: origin.isBelow, host: origin.host, hasAnyPort: origin.hasAnyPort)))
                } catch {
                    return .expected(error.expected)
                }
            }
        }
    }
}

extension Node {
    /// The text `null`, or a mapping with it as `exact`.
    fileprivate var namesNull: Bool {
        let text = scalar ?? entries?.first { $0.key.value == "exact" }?.value.scalar
        return text.map { !$0.isAbsent && $0.text == "null" } ?? false
    }
}

/// The parts of an origin.
private struct Origin {
    var scheme: String
    /// Every host below it.
    var isBelow = false
    /// With its port, where one is written.
    var host: String
    var hasAnyPort = false

    var hasPattern: Bool { isBelow || hasAnyPort }

    static func read(_ text: String) -> Reading<Origin> {
        // Of pages in sandboxes and files.
        if text == "null" { return .value(Origin(scheme: "", host: text)) }
        // Extensions of browsers have schemes of their own.
        guard let separator = text.firstRange(of: "://"), separator.lowerBound != text.startIndex else { return .mismatch }
        guard text == text.lowercased() else { return .mismatch(hint: "; browsers send origins in lower case") }
        let scheme = String(text[..<separator.upperBound])
        guard scheme.dropLast(3).utf8.allSatisfy({ (0x61...0x7a).contains($0) || $0 == UInt8(ascii: "-") }) else {
            return .mismatch
        }
        var host = text[separator.upperBound...]
        guard !host.contains("/") else { return .mismatch(hint: "; an origin has no path, nor a slash at its end") }
        let hasAnyPort = host.hasSuffix(":*")
        if hasAnyPort { host = host.dropLast(2) }
        let isBelow = host.hasPrefix("*.")
        if isBelow { host = host.dropFirst(2) }
        guard !host.contains("*") else {
            return .mismatch(hint: "; a * is the labels below a domain, or the port; else write { regex: … }")
        }
        guard !host.isEmpty, host.utf8.allSatisfy(isHostByte) else { return .mismatch }
        guard !host.hasSuffix(scheme == "https://" ? ":443" : ":80") || !scheme.hasPrefix("http") else {
            return .mismatch(hint: "; browsers leave out the default port")
        }
        return .value(Origin(scheme: scheme, isBelow: isBelow, host: String(host), hasAnyPort: hasAnyPort))
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension Grammar where Value == CORSConfiguration.Headers {
    fileprivate static var corsHeaders: Grammar {
        let names = Grammar<[String]>.list(of: .headerName, isEmptyAllowed: true)
        return Grammar(expected: "\(names.expected), or \"*\" for whatever pages ask for") { node, reader, expected in
            if let scalar = node.scalar, !scalar.isBroken, scalar.text == "*" { return .any }
            return names.expecting(expected).read(node, reader).map { .named($0) }
        }
    }
}

extension Grammar where Value == CORSConfiguration.Credentials {
    fileprivate static var corsCredentials: Grammar {
        Grammar(expected: "true, false or any_origin") { (text: String) in
            switch text {
            case "true": .value(.allowed)
            case "false": .value(.refused)
            case "any_origin": .value(.allowedToAnyOrigin)
            default: .mismatch(hint: Spelling.hint(for: text, among: ["true", "false", "any_origin"]))
            }
        }
    }
}

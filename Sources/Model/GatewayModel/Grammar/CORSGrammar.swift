internal import Config

extension Grammar where Value == CORSConfiguration {
    static var cors: Grammar {
        .section(expected: "a mapping with origins") { section in
            let origins = section.required("origins", .list(of: .origin))
            let headers = section.value("headers", .list(of: .headerName, isEmptyAllowed: true), default: [])
            let exposed = section.value("expose", .list(of: .headerName, isEmptyAllowed: true), default: [])
            let methods = section.value("methods", .list(of: .webMethod), default: ["GET", "POST"])
            let maxAge = section.value("max_age", .duration, default: .seconds(600))
            let credentials = section.value("credentials", .boolean, default: false)
            if credentials, origins?.contains(.any) == true {
                section.report(
                    "found beside an origin of \"*\", expected origins by name: any page at all could act for its visitors",
                    about: "credentials")
            }
            guard let origins else { return nil }
            return CORSConfiguration(
                origins: origins, headers: headers, exposed: exposed, methods: methods, maxAge: maxAge,
                credentials: credentials)
        }
    }
}

extension Grammar where Value == CORSConfiguration.Origin {
    fileprivate static var origin: Grammar {
        Grammar(expected: "an origin such as https://app.acme.dev, https://*.acme.dev or *") { text in
            if text == "*" { return .value(.any) }
            guard let scheme = ["https://", "http://"].first(where: { text.hasPrefix($0) }) else { return .mismatch }
            let host = text.dropFirst(scheme.count)
            guard text == text.lowercased() else { return .mismatch(hint: "; browsers send origins in lower case") }
            guard !host.contains("/") else { return .mismatch(hint: "; an origin has no path, nor a slash at its end") }
            let isBelow = host.hasPrefix("*.")
            let name = isBelow ? host.dropFirst(2) : host
            guard !name.isEmpty, name.utf8.allSatisfy(isHostByte) else { return .mismatch }
            guard !text.hasSuffix(scheme == "https://" ? ":443" : ":80") else {
                return .mismatch(hint: "; browsers leave out the default port")
            }
            return .value(isBelow ? .below(scheme: scheme, domain: ".\(name)") : .exactly(text))
        }
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

extension Grammar where Value == String {
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

    fileprivate static var webMethod: Grammar {
        Grammar(expected: "a method such as POST") { text in
            !text.isEmpty && text.utf8.allSatisfy { (0x41...0x5a).contains($0) } ? .value(text) : .mismatch
        }
    }
}

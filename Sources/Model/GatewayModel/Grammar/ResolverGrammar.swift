internal import Config

extension Grammar where Value == ResolverConfiguration {
    static var resolver: Grammar {
        .section { section in
            ResolverConfiguration(
                servers: section.optional("servers", .list(of: .nameServer)),
                search: section.optional("search", .list(of: .searchDomain, isEmptyAllowed: true)),
                timeout: section.optional("timeout", .duration(.milliseconds(1)...ResolverConfiguration.timeoutMax)),
                attempts: section.optional("attempts", .count(1...ResolverConfiguration.attemptsMax)))
        }
    }
}

extension Grammar where Value == NetworkAddress {
    /// In digits, because there is no other resolver to look it up; port 53 unless said otherwise.
    fileprivate static var nameServer: Grammar {
        Grammar(expected: "an address in digits such as 10.0.0.2, 10.0.0.2:53 or \"[2001:db8::1]:53\"") { (text: String) in
            for text in [text, text + ":53", "[" + text + "]:53"] {
                if case .ip(let host, let port)? = NetworkAddress(text), port != 0 { return .value(.ip(host, port: port)) }
            }
            return .mismatch
        }
    }
}

extension Grammar where Value == String {
    fileprivate static var searchDomain: Grammar {
        Grammar(expected: "a domain such as orders.internal") { (text: String) in
            NetworkAddress.hostName(text).map { .value(NetworkAddress.withoutDot($0)) } ?? .mismatch
        }
    }
}

internal import Config

extension Grammar where Value == ForwardingHeaders {
    static var forwardingHeaders: Grammar {
        .section(expected: "a mapping such as { host: true, prefix: true }") { section in
            var headers: ForwardingHeaders = []
            for (key, header) in [
                ("host", ForwardingHeaders.host), ("port", .port), ("prefix", .prefix), ("real_ip", .realIP),
                ("rfc7239", .rfc7239),
            ] where section.value(key, .boolean, default: false) {
                headers.insert(header)
            }
            return headers
        }
    }
}

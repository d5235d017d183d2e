internal import Config

extension Grammar where Value == ForwardedHeaders {
    static var forwardedHeaders: Grammar {
        .section(expected: "a mapping such as { host: true, prefix: true }") { section in
            var headers: ForwardedHeaders = []
            for (key, header) in [
                ("host", ForwardedHeaders.host), ("port", .port), ("prefix", .prefix), ("real_ip", .realIP),
                ("rfc7239", .rfc7239),
            ] where section.value(key, .boolean, default: false) {
                headers.insert(header)
            }
            return headers
        }
    }
}

package import Config
internal import HTTPModel

extension Grammar where Value == GzipConfiguration.Use {
    package static var gzip: Grammar {
        let expected = "on, off, or a mapping with content_types, min_bytes or with_credentials"
        return Grammar(expected: expected) { node, reader, expected in
            if let scalar = node.scalar, !scalar.isBroken {
                if scalar.text == "on" { return .on(GzipConfiguration()) }
                if scalar.text == "off" { return .off }
            }
            return reader.section(node, expected: expected) { section in
                var gzip = GzipConfiguration()
                gzip.contentTypes = section.value("content_types", .list(of: .contentType), default: gzip.contentTypes)
                gzip.bytesMin = section.value("min_bytes", .byteSize(1...Int.max), default: gzip.bytesMin)
                gzip.includesCredentials = section.value("with_credentials", .boolean, default: gzip.includesCredentials)
                return .on(gzip)
            }
        }
    }
}

extension Grammar where Value == ContentTypePattern {
    fileprivate static var contentType: Grammar {
        Grammar(expected: "a media type in lower case, such as application/json, text/* or application/*+json") { (text: String) in
            let halves = text.split(separator: "/", omittingEmptySubsequences: false)
            guard halves.count == 2, isName(halves[0]) else { return .mismatch }
            let parts = halves[1].split(separator: "*", omittingEmptySubsequences: false)
            if Self.isFlushed(text) {
                return .mismatch(hint: "; streams of events and of RPCs are never compressed as a whole")
            }
            switch parts.count {
            case 1: return Reading(isName(parts[0]) ? ContentTypePattern(head: text) : nil)
            // A suffix alone (RFC 6839).
            case 2 where parts[0].isEmpty && (parts[1].isEmpty || parts[1].hasPrefix("+") && isName(parts[1])):
                return .value(ContentTypePattern(head: "\(halves[0])/", tail: String(parts[1])))
            default: return .mismatch
            }
        }
    }

    private static func isFlushed(_ text: String) -> Bool {
        text == "text/event-stream" || text.hasPrefix("application/grpc") || text.hasPrefix("application/connect")
    }

    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { HTTPGrammar.isToken($0) && HTTPGrammar.lowercased($0) == $0 && $0 != UInt8(ascii: "*") }
    }
}

internal import Bytes
internal import Config
internal import JSON

extension Grammar where Value == KeySource {
    /// A file's path, an https URL, or `{ keys: [ … ] }` as RFC 7517, section 5 has it.
    ///
    /// - Parameter isInsecure: an http URL is taken, too.
    static func keySource(isInsecure: Bool) -> Grammar {
        let expected = "a file with a JSON Web Key Set, an https URL, or a mapping with keys"
        return Grammar(expected: expected) { node, reader, expected in
            if node.entries != nil { return reader.section(node, inlineKeys) }
            if let scalar = node.scalar, !scalar.isBroken, scalar.text.contains("://") {
                return url(scalar, isInsecure, at: node.place, reader)
            }
            return Grammar<String>.path(expected).expecting(expected).read(node, reader).map(KeySource.file)
        }
    }

    private static func url(_ scalar: Node.Scalar, _ isInsecure: Bool, at place: Place, _ reader: Reader) -> KeySource? {
        let url = ServiceURL(scalar.text)
        let isHTTP = url?.scheme == "http"
        // Changing the keys means minting tokens: hence nothing but https, unless that is said.
        guard let url, let address = url.address(defaultPort: isHTTP ? 80 : 443), url.scheme == "https" || isHTTP && isInsecure,
            url.user == nil, url.password == nil, !url.path.contains("#")
        else {
            let found = Quoted.text(ServiceURL.redacted(scalar.written))
            let hint = isHTTP && !isInsecure ? "; jwks_insecure: true takes http" : ""
            reader.report("found \(found), expected an https URL without user, password and fragment\(hint)", at: place)
            return nil
        }
        if isHTTP { return .http(address: address, authority: url.authority(defaultPort: 80), path: target(of: url)) }
        return .https(address: address, authority: url.authority(defaultPort: 443), path: target(of: url), ca: nil)
    }

    private static func target(of url: ServiceURL) -> String {
        url.path.hasPrefix("/") ? url.path : "/\(url.path)"
    }

    private static func inlineKeys(_ section: Section) -> KeySource? {
        guard let keys = section.required("keys", .list(of: .inlineKey)) else { return nil }
        return .inline("{\"keys\":[\(keys.joined(separator: ","))]}")
    }
}

extension Grammar where Value == String {
    /// One JSON Web Key; every member is text or a list of texts (RFC 7517, section 4).
    fileprivate static var inlineKey: Grammar {
        Grammar(expected: "a JSON Web Key, a mapping with kty") { node, reader, expected in
            guard let entries = node.entries else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            var buffer = ByteBuffer()
            var writer = JSONWriter()
            writer.beginObject(&buffer)
            for entry in entries {
                let name = entry.key.value
                if let element = entry.value.elements {
                    writer.key(name, &buffer)
                    writer.beginArray(&buffer)
                    for text in element { Grammar.text.read(text, reader).map { writer.string($0, &buffer) } }
                    writer.endArray(&buffer)
                } else if let text = Grammar.text.read(entry.value, reader) {
                    // A symmetric key, or the private half of a pair (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1).
                    if name == "k" || name == "d", entry.value.scalar?.comesFromEnvironment == false {
                        reader.report(
                            "the secret is written out in this file; better ${NAME} for an environment variable",
                            at: entry.value.place, severity: .warning)
                    }
                    writer.key(name, &buffer)
                    writer.string(text, &buffer)
                }
            }
            writer.endObject(&buffer)
            if !entries.contains(where: { $0.key.value == "kty" }) {
                reader.report("the key \"kty\" is missing, expected a JSON Web Key", at: node.place)
                return nil
            }
            return String(decoding: buffer.readable, as: UTF8.self)
        }
    }
}

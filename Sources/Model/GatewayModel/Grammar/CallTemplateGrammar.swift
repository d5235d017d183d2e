internal import Config
internal import HTTPModel
internal import JOSE

extension CallTemplate {
    /// Of the text as written.
    static let bytesMax = 4096

    enum Mistake: Error, Equatable {
        case tooLong
        case lonePercent
        case unclosed
        /// A variable within the text that stands in for another.
        case nested
        /// With what the name was probably meant to be, as `Spelling.hint` says it.
        case unknownVariable(hint: String)
        /// `request.header.` and nothing behind it.
        case noName(behind: String)
        case notAHeader
        /// `request.header.host`, which HTTP/2 requests do not have.
        case headerWithVariable(String)
        case notAClaim

        /// What a configuration message gives as expected.
        var expected: String {
            switch self {
            case .tooLong: "a text of at most \(CallTemplate.bytesMax) bytes"
            case .lonePercent: "%% for a percent sign, or %{name} for a variable of the call"
            case .unclosed: "a } behind the name of each %{ variable"
            case .nested: "a text without variables behind the | of a variable"
            case .unknownVariable(let hint): "a variable of the call such as %{request.id}\(hint)"
            case .noName(let prefix): "a name behind \(Quoted.text(prefix))"
            case .notAHeader: "a header name: letters, digits and !#$%&'*+-.^_`|~"
            case .headerWithVariable(let name): "%{\(name)}: not every request has this header"
            case .notAClaim: "a claim such as %{claim.tenant} or %{claim.realm.tenant}"
            }
        }
    }

    /// Reads
    ///
    ///     template = *( text / "%%" / "%{" name [ "|" *( text / "%%" ) ] "}" )
    init(_ text: String) throws(Mistake) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.bytesMax else { throw .tooLong }
        var parts: [Part] = []
        var literal: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "%") else {
                literal.append(bytes[index])
                index += 1
                continue
            }
            switch index + 1 < bytes.count ? bytes[index + 1] : 0 {
            case UInt8(ascii: "%"):
                literal.append(UInt8(ascii: "%"))
                index += 2
            case UInt8(ascii: "{"):
                guard let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else { throw .unclosed }
                if !literal.isEmpty { parts.append(.text(literal)) }
                literal = []
                parts.append(try Self.variable(bytes[(index + 2)..<end]))
                index = end + 1
            default: throw .lonePercent
            }
        }
        if !literal.isEmpty { parts.append(.text(literal)) }
        self.init(parts: parts)
    }

    private static func variable(_ inside: ArraySlice<UInt8>) throws(Mistake) -> Part {
        let bar = inside.firstIndex(of: UInt8(ascii: "|"))
        let variable = try CallVariable(name: String(decoding: inside[..<(bar ?? inside.endIndex)], as: UTF8.self))
        guard let bar else { return .variable(variable, otherwise: nil) }
        var otherwise: [UInt8] = []
        var index = bar + 1
        while index < inside.endIndex {
            let byte = inside[index]
            if byte == UInt8(ascii: "%") {
                index += 1
                guard index < inside.endIndex else { throw .lonePercent }
                if inside[index] == UInt8(ascii: "{") { throw .nested }
                guard inside[index] == byte else { throw .lonePercent }
            }
            otherwise.append(byte)
            index += 1
        }
        return .variable(variable, otherwise: otherwise)
    }

    /// All that is written in it and does not come from a call.
    package var texts: [[UInt8]] {
        parts.compactMap { part in
            switch part {
            case .text(let text): text
            case .variable(_, let otherwise): otherwise
            }
        }
    }
}

extension CallVariable {
    /// Those whose name says all.
    private static let plain: [(name: String, variable: CallVariable)] = [
        ("request.id", .requestID), ("request.method", .requestMethod), ("request.path", .requestPath),
        ("request.authority", .requestAuthority), ("request.scheme", .requestScheme), ("client.address", .clientAddress),
        ("client.certificate.uri", .clientCertificateURI), ("client.certificate.subject", .clientCertificateSubject),
        ("identity.subject", .identitySubject), ("identity.tenant", .identityTenant), ("identity.plan", .identityPlan),
        ("identity.issuer", .identityIssuer), ("route", .route), ("rpc.service", .rpcService), ("rpc.method", .rpcMethod),
        ("cluster", .cluster), ("endpoint", .endpoint), ("response.status", .responseStatus),
        ("response.grpc_status", .responseGRPCStatus),
    ]

    /// Those that have a name of the user's own behind them.
    private static let prefixes = ["request.header.", "request.query.", "response.header.", "claim."]

    init(name: String) throws(CallTemplate.Mistake) {
        if let known = Self.plain.first(where: { $0.name == name }) {
            self = known.variable
            return
        }
        guard let prefix = Self.prefixes.first(where: { name.hasPrefix($0) }) else {
            let nearest = Self.plain.map(\.name) + Self.prefixes.map { Self.with($0, tailOf: name) }
            throw .unknownVariable(hint: Spelling.hint(for: name, among: nearest))
        }
        let rest = String(name.dropFirst(prefix.count))
        guard !rest.isEmpty else { throw .noName(behind: prefix) }
        switch prefix {
        case "request.header.": self = .requestHeader(try Self.header(rest))
        case "request.query.": self = .requestQuery(Array(rest.utf8))
        case "response.header.": self = .responseHeader(try Self.header(rest))
        default:
            guard let path = ClaimText.path(rest) else { throw .notAClaim }
            self = .claim(path)
        }
    }

    /// A prefix with as much behind it as `name` has, so that a slip in the prefix alone is found.
    private static func with(_ prefix: String, tailOf name: String) -> String {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        return prefix + labels.dropFirst(prefix.count(where: { $0 == "." })).joined(separator: ".")
    }

    private static func header(_ name: String) throws(CallTemplate.Mistake) -> [UInt8] {
        do throws(FieldMatch.Mistake) {
            return Array(try FieldMatch.headerName(name).utf8)
        } catch .hasItsOwnKey {
            throw .headerWithVariable(name.hasPrefix(":path") ? "request.path" : "request.authority")
        } catch {
            throw .notAHeader
        }
    }

    /// As it is written.
    package var name: String {
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
        return switch self {
        case .requestHeader(let name): "request.header.\(text(name))"
        case .requestQuery(let name): "request.query.\(text(name))"
        case .responseHeader(let name): "response.header.\(text(name))"
        case .claim(let path): "claim.\(path.description)"
        default: Self.plain.first { $0.variable == self }?.name ?? ""
        }
    }

    /// A header with a credential of the caller: it goes to the upstream at most.
    var isCredential: Bool {
        guard case .requestHeader(let name) = self else { return false }
        return ["authorization", "cookie", "proxy-authorization"].contains(String(decoding: name, as: UTF8.self))
    }
}

extension Grammar where Value == CallTemplate {
    /// A text with variables of the call.
    ///
    /// - Parameters:
    ///   - problem: what was expected of a template instead, if anything.
    static func callTemplate(_ expected: String, problem: @escaping (CallTemplate) -> String?) -> Grammar {
        Grammar(expected: expected) { (text: String) in
            do throws(CallTemplate.Mistake) {
                let template = try CallTemplate(text)
                return problem(template).map { .expected($0) } ?? .value(template)
            } catch {
                return .expected(error.expected)
            }
        }
    }
}

/// Describes services, methods, messages and enums in the words of a proto file, for people.
///
/// From descriptors, which know no comments; options are left out, but for how a method is reached by HTTP.
package struct SymbolText {
    private enum Symbol {
        case service(ServiceDescription, fullName: String)
        case method(MethodDescription, service: String)
        case message(MessageDescription, fullName: String)
        case enumeration(EnumDescription)
    }

    private var table: [String: (symbol: Symbol, file: FileDescription)] = [:]
    /// Full names, in the order of the files.
    package private(set) var services: [String] = []

    /// - Parameter files: each the bytes of one FileDescriptorProto.
    package init(files: [[UInt8]]) throws(WireFailure) {
        for bytes in files {
            let file = try FileDescription(bytes)
            for service in file.services {
                let name = Linker.join(file.package, service.name)
                services.append(name)
                table[name] = (.service(service, fullName: name), file)
                for method in service.methods { table["\(name).\(method.name)"] = (.method(method, service: name), file) }
            }
            for message in file.messages { add(message, scope: file.package, file) }
            for enumeration in file.enums { table[Linker.join(file.package, enumeration.name)] = (.enumeration(enumeration), file) }
        }
    }

    private mutating func add(_ message: MessageDescription, scope: String, _ file: FileDescription) {
        let name = Linker.join(scope, message.name)
        table[name] = (.message(message, fullName: name), file)
        for nested in message.messages { add(nested, scope: name, file) }
        for nested in message.enums { table["\(name).\(nested.name)"] = (.enumeration(nested), file) }
    }

    /// Everything that `describe` knows, by full name.
    package var symbols: [String] { table.keys.sorted() }

    /// The methods of a service, in its order; `nil` where there is no such service.
    package func methods(of service: String) -> [String]? {
        guard case .service(let description, _)? = table[service]?.symbol else { return nil }
        return description.methods.map(\.name)
    }

    /// Several lines; `nil` where nothing has this name. A method may be `pkg.Service/Method` or `pkg.Service.Method`, and
    /// is described with what it takes and returns.
    package func describe(_ name: String) -> String? {
        let name = String(name.hasPrefix(".") || name.hasPrefix("/") ? name.dropFirst() : name[...])
            .split(separator: "/", omittingEmptySubsequences: false).joined(separator: ".")
        guard let (symbol, file) = table[name] else { return nil }
        let parent = name.lastIndex(of: ".").map { name[..<$0] } ?? ""
        var lines = ["// \(file.name)"]
        if !parent.isEmpty { lines.append("// in \(parent)") }
        switch symbol {
        case .service(let service, _):
            lines.append("service \(service.name) {")
            for method in service.methods { lines += Self.lines(of: method).map { "  " + $0 } }
            lines.append("}")
        case .method(let method, _):
            lines += Self.lines(of: method)
            for type in Set([method.input, method.output]).sorted() {
                guard let text = describe(type) else { continue }
                lines += ["", text]
            }
        case .message(let message, let fullName): lines += Self.lines(of: message, fullName, file.isProto3)
        case .enumeration(let enumeration): lines += Self.lines(of: enumeration)
        }
        return lines.joined(separator: "\n")
    }

    // MARK: lines

    private static func lines(of method: MethodDescription) -> [String] {
        let input = (method.clientStreams ? "stream " : "") + plain(method.input)
        let output = (method.serverStreams ? "stream " : "") + plain(method.output)
        var lines: [String] = []
        if let rule = method.rule {
            for rule in [rule] + rule.additional {
                lines.append("// \(rule.verb) \(rule.path)\(rule.body.map { ", body \($0)" } ?? "")")
            }
        }
        return lines + ["rpc \(method.name)(\(input)) returns (\(output));"]
    }

    private static func lines(of message: MessageDescription, _ fullName: String, _ isProto3: Bool) -> [String] {
        var lines = ["message \(message.name) {"]
        var told: Set<Int> = []
        for field in message.fields {
            guard let oneof = field.oneof, !field.isProto3Optional, message.oneofs.indices.contains(oneof) else {
                lines.append("  " + line(of: field, in: message, fullName, isProto3))
                continue
            }
            guard told.insert(oneof).inserted else { continue }
            lines.append("  oneof \(message.oneofs[oneof]) {")
            for member in message.fields where member.oneof == oneof {
                lines.append("    \(type(of: member)) \(member.name) = \(member.number);")
            }
            lines.append("  }")
        }
        for nested in message.messages where !nested.isMapEntry {
            lines += Self.lines(of: nested, "\(fullName).\(nested.name)", isProto3).map { "  " + $0 }
        }
        for nested in message.enums { lines += Self.lines(of: nested).map { "  " + $0 } }
        return lines + ["}"]
    }

    private static func line(
        of field: FieldDescription, in message: MessageDescription, _ fullName: String, _ isProto3: Bool
    ) -> String {
        let end = "\(field.name) = \(field.number);"
        if field.isRepeated,
            let entry = message.messages.first(where: { $0.isMapEntry && plain(field.typeName) == "\(fullName).\($0.name)" }),
            let key = entry.fields.first(where: { $0.number == 1 }), let value = entry.fields.first(where: { $0.number == 2 })
        {
            return "map<\(type(of: key)), \(type(of: value))> \(end)"
        }
        let isOptional = isProto3 ? field.isProto3Optional : true
        let label = field.isRepeated ? "repeated " : field.isRequired ? "required " : isOptional ? "optional " : ""
        return "\(label)\(type(of: field)) \(end)"
    }

    private static func lines(of enumeration: EnumDescription) -> [String] {
        ["enum \(enumeration.name) {"] + enumeration.values.map { "  \($0.name) = \($0.number);" } + ["}"]
    }

    private static func type(of field: FieldDescription) -> String {
        guard field.typeName.isEmpty else { return plain(field.typeName) }
        guard let kind = UInt8(exactly: field.type).flatMap(FieldKind.init) else { return "?" }
        return kind == .enumeration ? "enum" : "\(kind)"
    }

    private static func plain(_ name: String) -> String { name.hasPrefix(".") ? String(name.dropFirst()) : name }
}

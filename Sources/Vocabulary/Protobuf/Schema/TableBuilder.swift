/// Lays out in memory what a `Linker` collected.
struct TableBuilder {
    private let linker: Linker
    private let arena = Arena()
    private let messages: UnsafeMutablePointer<MessageSchema>
    private let enums: UnsafeMutablePointer<EnumSchema>
    private(set) var problems: [String] = []

    /// Numbers up to here are found by looking in a table; a sparse message does not pay for it.
    private static let denseMax: UInt64 = 128

    init(_ linker: Linker) {
        self.linker = linker
        messages = arena.allocate(MessageSchema.self, count: linker.messages.count)
        enums = arena.allocate(EnumSchema.self, count: linker.enums.count)
    }

    mutating func build() -> Linker.Linked {
        for (index, enumeration) in linker.enums.enumerated() { build(enumeration, at: index) }
        for (index, message) in linker.messages.enumerated() { build(message, at: index) }
        let names = linker.messages.enumerated().map { (index, message) in
            (messages[index].fullNameStart, messages[index].fullNameCount, index)
        }
        let (services, methods) = buildServices()
        let paths = methods.enumerated().map { (index, method) in (arena.intern(method.path), method.path.utf8.count, index) }
        return Linker.Linked(
            services: services, methods: methods,
            messages: UnsafeBufferPointer(start: messages, count: linker.messages.count),
            enums: UnsafeBufferPointer(start: enums, count: linker.enums.count),
            methodPaths: table(paths), messageNames: table(names), arena: arena)
    }

    /// The first of a name counts; that there is a second was said elsewhere.
    private func table(_ entries: [(UnsafePointer<UInt8>, Int, Int)]) -> NameTable {
        var seen: Set<String> = []
        let unique = entries.filter { seen.insert(Self.text($0.0, $0.1)).inserted }
        return NameTable(unique.map { (name: $0.0, count: $0.1, value: $0.2) }, in: arena)
    }

    private static func text(_ start: UnsafePointer<UInt8>, _ count: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    private func copied<Element>(_ list: [Element]) -> UnsafePointer<Element> {
        let copy = arena.allocate(Element.self, count: list.count)
        for (index, element) in list.enumerated() { (copy + index).initialize(to: element) }
        return UnsafePointer(copy)
    }

    // MARK: enums

    private mutating func build(_ source: Linker.Enumeration, at place: Int) {
        let list = source.description.values
        if list.isEmpty { problems.append("\(source.fullName) has no values") }
        let values = list.map { value in
            EnumSchema.Value(
                number: value.number, nameCount: Int32(value.name.utf8.count), quoted: arena.intern("\"\(value.name)\""))
        }
        var first: [Int32: Int32] = [:]
        for (index, value) in values.enumerated() where first[value.number] == nil { first[value.number] = Int32(index) }
        let numbers = first.keys.sorted()
        // Negative ones would be first; then none is at its place.
        var dense = 0
        while dense < numbers.count, Int(numbers[dense]) == dense { dense += 1 }
        let names = table(values.enumerated().map { ($1.quoted + 1, Int($1.nameCount), $0) })
        (enums + place).initialize(
            to: EnumSchema(
                fullNameStart: arena.intern(source.fullName), fullNameCount: source.fullName.utf8.count,
                isOpen: source.isOpen, isNull: source.fullName == "google.protobuf.NullValue",
                values: copied(values), valueCount: values.count, names: names,
                byNumber: copied(numbers.map { first[$0]! }), numberCount: numbers.count, denseCount: dense))
    }

    // MARK: messages

    private mutating func build(_ source: Linker.Message, at place: Int) {
        let fields = fields(of: source)
        let copy = copied(fields)
        var names: [(UnsafePointer<UInt8>, Int, Int)] = []
        for (index, field) in fields.enumerated() { names.append((field.jsonKey + 1, Int(field.jsonKeyCount) - 3, index)) }
        for (index, field) in fields.enumerated() { names.append((field.protoKey + 1, Int(field.protoKeyCount) - 3, index)) }
        let denseCount = (fields.map { UInt64($0.number) }.filter { $0 <= Self.denseMax }.max() ?? 0) + 1
        var dense = [Int32](repeating: 0, count: Int(denseCount))
        var sparse: [Int32] = []
        for (index, field) in fields.enumerated() {
            if UInt64(field.number) < denseCount {
                dense[Int(field.number)] = Int32(index + 1)
            } else {
                sparse.append(Int32(index))
            }
        }
        sparse.sort { fields[Int($0)].number < fields[Int($1)].number }
        (messages + place).initialize(
            to: MessageSchema(
                fullNameStart: arena.intern(source.fullName), fullNameCount: source.fullName.utf8.count,
                wellKnown: WellKnownType(fullName: source.fullName), isMapEntry: source.description.isMapEntry,
                fields: copy, fieldCount: fields.count, oneofCount: source.description.oneofs.count,
                requiredCount: fields.count { $0.presence == .required }, names: table(names), dense: copied(dense),
                denseCount: UInt32(denseCount), sparse: copied(sparse), sparseCount: sparse.count))
    }

    private mutating func fields(of source: Linker.Message) -> [FieldSchema] {
        var fields: [FieldSchema] = []
        var taken: [UInt32: String] = [:]
        func add(_ field: FieldSchema?, named name: String, to problems: inout [String]) {
            guard var field else { return }
            if let other = taken.updateValue(name, forKey: field.number) {
                problems.append("\(source.fullName): \(other) and \(name) have the number \(field.number)")
            }
            field.index = Int32(fields.count)
            fields.append(field)
        }
        for field in source.description.fields {
            let fullName = "\(source.fullName).\(field.name)"
            let row = row(of: field, named: fullName, extensionName: nil, features: source.features, source)
            add(row, named: field.name, to: &problems)
        }
        for field in source.extensions {
            let row = row(
                of: field.description, named: field.fullName, extensionName: field.fullName, features: field.features, source)
            add(row, named: field.fullName, to: &problems)
        }
        return fields
    }

    private mutating func row(
        of field: FieldDescription, named fullName: String, extensionName: String?, features: Features,
        _ owner: Linker.Message
    ) -> FieldSchema? {
        guard field.number > 0, field.number < 1 << 29, let features = try? features.changed(by: field.features) else {
            problems.append("\(fullName) has no valid number")
            return nil
        }
        guard var kind = FieldKind(rawValue: UInt8(truncatingIfNeeded: field.type == 0 ? 11 : field.type)) else {
            problems.append("\(fullName) has a type that does not exist")
            return nil
        }
        var message: UnsafePointer<MessageSchema>?
        var enumeration: UnsafePointer<EnumSchema>?
        var isMap = false
        if kind.isMessage || kind == .enumeration {
            switch linker.resolve(field.typeName, scope: owner.fullName) {
            case .message(let index)? where kind.isMessage:
                message = UnsafePointer(messages + index)
                isMap = linker.messages[index].description.isMapEntry && field.isRepeated
                if features.isDelimited, !isMap, !owner.description.isMapEntry { kind = .group }
            case .enumeration(let index)?:
                kind = .enumeration
                enumeration = UnsafePointer(enums + index)
            default:
                problems.append(linker.missing(field.typeName, for: "\(fullName) has the type", file: owner.file))
                return nil
            }
        }
        // It is an index into tables that are made for the oneofs there are.
        if let oneof = field.oneof, extensionName == nil, !owner.description.oneofs.indices.contains(oneof) {
            problems.append("\(fullName) is of a oneof that does not exist")
            return nil
        }
        let shape: FieldSchema.Shape = isMap ? .map : field.isRepeated ? .repeated : .singular
        let jsonKey = extensionName.map { "\"[\($0)]\":" } ?? "\"\(field.jsonName ?? Self.camelCase(field.name))\":"
        let protoKey = extensionName.map { "\"[\($0)]\":" } ?? "\"\(field.name)\":"
        return FieldSchema(
            number: UInt32(field.number), kind: kind, shape: shape,
            presence: presence(of: field, kind: kind, features: features, isExtension: extensionName != nil),
            isPacked: field.isRepeated && kind.isPackable && (field.isPacked ?? features.isPacked),
            checksUTF8: features.checksUTF8, isExtension: extensionName != nil, index: 0,
            oneof: field.isProto3Optional || extensionName != nil ? -1 : Int32(field.oneof ?? -1),
            tag: UInt32(field.number) << 3 | UInt32(kind.wireType.rawValue), message: message, enumeration: enumeration,
            jsonKey: arena.intern(jsonKey), protoKey: arena.intern(protoKey), jsonKeyCount: Int32(jsonKey.utf8.count),
            protoKeyCount: Int32(protoKey.utf8.count))
    }

    private func presence(
        of field: FieldDescription, kind: FieldKind, features: Features, isExtension: Bool
    ) -> FieldSchema.Presence {
        if field.isRequired { return .required }
        if features.presence == .required, !field.isRepeated, field.oneof == nil, !isExtension { return .required }
        if field.isRepeated { return .implicit }
        if kind.isMessage || field.oneof != nil || isExtension { return .explicit }
        return features.presence == .implicit ? .implicit : .explicit
    }

    /// The JSON name as protoc makes it.
    static func camelCase(_ name: String) -> String {
        var result = ""
        var raise = false
        for character in name {
            if character == "_" { raise = true; continue }
            result += raise ? character.uppercased() : String(character)
            raise = false
        }
        return result
    }

    // MARK: services

    private mutating func buildServices() -> ([ServiceSchema], [MethodSchema]) {
        var services: [ServiceSchema] = []
        var methods: [MethodSchema] = []
        for (index, file) in linker.files.enumerated() {
            for service in file.services {
                let fullName = Linker.join(file.package, service.name)
                let start = methods.count
                for method in service.methods {
                    if let row = row(of: method, service: fullName, file: index) { methods.append(row) }
                }
                services.append(ServiceSchema(fullName: fullName, methods: start..<methods.count))
            }
        }
        return (services, methods)
    }

    private mutating func row(of method: MethodDescription, service: String, file: Int) -> MethodSchema? {
        func find(_ type: String, _ role: String, _ problems: inout [String]) -> UnsafePointer<MessageSchema>? {
            if case .message(let index)? = linker.resolve(type, scope: service) { return UnsafePointer(messages + index) }
            problems.append(linker.missing(type, for: "\(service).\(method.name) \(role)", file: file))
            return nil
        }
        guard let input = find(method.input, "takes", &problems), let output = find(method.output, "returns", &problems)
        else { return nil }
        return MethodSchema(
            path: "/\(service)/\(method.name)", serviceName: service, name: method.name, input: input, output: output,
            clientStreams: method.clientStreams, serverStreams: method.serverStreams,
            isSideEffectFree: method.isSideEffectFree, isIdempotent: method.isIdempotent, rule: method.rule)
    }
}

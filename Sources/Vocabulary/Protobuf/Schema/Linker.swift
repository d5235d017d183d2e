/// Makes tables of files: collects their names, then resolves what each field, method and extension refers to.
///
/// An import that is missing is a mistake only where a type is missing too: reflection often leaves out files that hold
/// nothing but options.
struct Linker {
    struct Linked {
        var services: [ServiceSchema]
        var methods: [MethodSchema]
        var messages: UnsafeBufferPointer<MessageSchema>
        var enums: UnsafeBufferPointer<EnumSchema>
        var methodPaths: NameTable
        var messageNames: NameTable
        var arena: Arena
    }

    struct Message {
        var fullName: String
        var description: MessageDescription
        var features: Features
        var file: Int
        /// Extensions of it, with the file and scope of each.
        var extensions: [Extension] = []
    }

    struct Extension {
        var fullName: String
        var description: FieldDescription
        var features: Features
        var file: Int
    }

    struct Enumeration {
        var fullName: String
        var description: EnumDescription
        var isOpen: Bool
    }

    enum Symbol { case message(Int), enumeration(Int), other }

    private(set) var files: [FileDescription] = []
    private var fileNames: [String: Int] = [:]
    private var symbols: [String: (symbol: Symbol, file: Int)] = [:]
    private(set) var messages: [Message] = []
    private(set) var enums: [Enumeration] = []
    private(set) var extensions: [Extension] = []
    var problems: [String] = []

    mutating func read(_ bytes: [UInt8]) {
        do throws(WireFailure) {
            let file = try FileDescription(bytes)
            if let known = fileNames[file.name] {
                if files[known].identity != file.identity { problems.append("\(file.name) is given twice and differs") }
                return
            }
            fileNames[file.name] = files.count
            files.append(file)
        } catch { problems.append("a file descriptor is no protobuf (\(error))") }
    }

    func hasFile(_ name: String) -> Bool { fileNames[name] != nil }

    mutating func changeFiles(_ change: (inout FileDescription) -> Void) {
        for index in files.indices { change(&files[index]) }
    }

    mutating func link() throws(SchemaFailure) -> Linked {
        do throws(WireFailure) { try collect() } catch { problems.append("options are no protobuf (\(error))") }
        attachExtensions()
        var tables = TableBuilder(self)
        let linked = tables.build()
        problems += tables.problems
        guard problems.isEmpty else { throw SchemaFailure(problems: problems) }
        return linked
    }

    // MARK: collecting names

    mutating func collect() throws(WireFailure) {
        for (index, file) in files.enumerated() {
            let scope = file.package
            for message in file.messages { try collect(message, scope: scope, features: file.features, file: index) }
            for enumeration in file.enums { try collect(enumeration, scope: scope, features: file.features, file: index) }
            for field in file.extensions { collect(field, scope: scope, features: file.features, file: index) }
            for service in file.services { define(Self.join(scope, service.name), .other, file: index) }
        }
    }

    private mutating func collect(
        _ message: MessageDescription, scope: String, features: Features, file: Int
    ) throws(WireFailure) {
        let fullName = Self.join(scope, message.name)
        let features = try features.changed(by: message.features)
        define(fullName, .message(messages.count), file: file)
        messages.append(Message(fullName: fullName, description: message, features: features, file: file))
        for nested in message.messages { try collect(nested, scope: fullName, features: features, file: file) }
        for nested in message.enums { try collect(nested, scope: fullName, features: features, file: file) }
        for field in message.extensions { collect(field, scope: fullName, features: features, file: file) }
    }

    private mutating func collect(
        _ enumeration: EnumDescription, scope: String, features: Features, file: Int
    ) throws(WireFailure) {
        let fullName = Self.join(scope, enumeration.name)
        define(fullName, .enumeration(enums.count), file: file)
        let isOpen = try features.changed(by: enumeration.features).enumsAreOpen
        enums.append(Enumeration(fullName: fullName, description: enumeration, isOpen: isOpen))
    }

    private mutating func collect(_ field: FieldDescription, scope: String, features: Features, file: Int) {
        let fullName = Self.join(scope, field.name)
        define(fullName, .other, file: file)
        extensions.append(Extension(fullName: fullName, description: field, features: features, file: file))
    }

    private mutating func define(_ name: String, _ symbol: Symbol, file: Int) {
        if let known = symbols[name] {
            problems.append("\(name) is defined in \(files[known.file].name) and again in \(files[file].name)")
        } else {
            symbols[name] = (symbol, file)
        }
    }

    private mutating func attachExtensions() {
        for field in extensions {
            let scope = String(field.fullName.dropLast(field.description.name.count + 1))
            if case .message(let index)? = resolve(field.description.extendee, scope: scope) {
                messages[index].extensions.append(field)
            } else {
                problems.append(
                    missing(field.description.extendee, for: "\(field.fullName) extends", file: field.file))
            }
        }
    }

    // MARK: resolving

    /// With a leading dot a full name; without one, the innermost scope that has it.
    func resolve(_ name: String, scope: String) -> Symbol? {
        if name.hasPrefix(".") { return symbols[String(name.dropFirst())]?.symbol }
        var scope = scope[...]
        while true {
            if let found = symbols[Self.join(String(scope), name)] { return found.symbol }
            if scope.isEmpty { return nil }
            scope = scope.lastIndex(of: ".").map { scope[..<$0] } ?? ""
        }
    }

    func missing(_ name: String, for user: String, file: Int) -> String {
        let plain = name.hasPrefix(".") ? String(name.dropFirst()) : name
        let absent = files[file].imports.filter { fileNames[$0] == nil }
        let hint = absent.isEmpty ? "" : "; \(files[file].name) imports \(absent.joined(separator: ", ")), not given"
        return "\(user) \(plain), which is not there\(hint)"
    }

    static func join(_ scope: String, _ name: String) -> String { scope.isEmpty ? name : "\(scope).\(name)" }
}

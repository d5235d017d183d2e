extension Linker {
    /// Adds what files import from Protocol Buffers itself and the source did not give, where nothing that was given has the same names.
    mutating func addWellKnownFiles() {
        var wanted = files.flatMap(\.imports)
        while let name = wanted.popLast() {
            guard !hasFile(name), let bytes = WellKnownFiles.byName[name], let file = try? FileDescription(bytes) else { continue }
            let names = Set(file.topLevelNames)
            guard !files.contains(where: { $0.topLevelNames.contains(where: names.contains) }) else { continue }
            read(bytes)
            wanted += file.imports
        }
    }

    /// Takes away what refers to types that are not there, and the services that need it, so that the others can be linked.
    ///
    /// - Returns: the services that were taken away, and why.
    mutating func leaveOutIncomplete() -> [Schema.LeftOut] {
        var probe = self
        guard (try? probe.collect()) != nil else { return [] }
        let broken = probe.brokenMessages()
        var extensions: Set<String> = []
        for field in probe.extensions where !probe.isComplete(field, without: broken) { extensions.insert(field.fullName) }
        var leftOut: [Schema.LeftOut] = []
        for (index, file) in probe.files.enumerated() {
            for service in file.services {
                let name = Self.join(file.package, service.name)
                guard let reason = probe.reason(against: service, name, file: index, broken) else { continue }
                leftOut.append(Schema.LeftOut(service: name, reason: reason))
            }
        }
        guard !broken.isEmpty || !extensions.isEmpty || !leftOut.isEmpty else { return [] }
        let messages = Set(broken.keys.map { probe.messages[$0].fullName })
        let services = Set(leftOut.map(\.service))
        changeFiles { file in
            file.services.removeAll { services.contains(Self.join(file.package, $0.name)) }
            file.extensions.removeAll { extensions.contains(Self.join(file.package, $0.name)) }
            for index in file.messages.indices {
                file.messages[index].empty(messages, withoutExtensions: extensions, scope: file.package)
            }
        }
        return leftOut
    }

    // MARK: what is incomplete

    /// Messages with a field whose type is not there, or is itself such a message; with the reason.
    private func brokenMessages() -> [Int: String] {
        var users: [Int: [Int]] = [:]
        var broken: [Int: String] = [:]
        for (index, message) in messages.enumerated() {
            for field in message.description.fields where field.hasTypeName {
                switch resolve(field.typeName, scope: message.fullName) {
                case .message(let used)?: users[used, default: []].append(index)
                case .enumeration?: break
                case .other?, nil:
                    broken[index] = missing(
                        field.typeName, for: "\(message.fullName).\(field.name) has the type", file: message.file)
                }
            }
        }
        var waiting = Array(broken.keys)
        while let index = waiting.popLast() {
            for user in users[index] ?? [] where broken[user] == nil {
                broken[user] = broken[index]
                waiting.append(user)
            }
        }
        return broken
    }

    private func isComplete(_ field: Extension, without broken: [Int: String]) -> Bool {
        let scope = String(field.fullName.dropLast(field.description.name.count + 1))
        guard case .message(let extended)? = resolve(field.description.extendee, scope: scope) else { return false }
        guard field.description.hasTypeName else { return true }
        switch resolve(field.description.typeName, scope: messages[extended].fullName) {
        case .message(let used)?: return broken[used] == nil
        case .enumeration?: return true
        case .other?, nil: return false
        }
    }

    private func reason(against service: ServiceDescription, _ name: String, file: Int, _ broken: [Int: String]) -> String? {
        for method in service.methods {
            for (type, role) in [(method.input, "takes"), (method.output, "returns")] {
                guard case .message(let index)? = resolve(type, scope: name) else {
                    return missing(type, for: "\(method.name) \(role)", file: file)
                }
                if let reason = broken[index] { return reason }
            }
        }
        return nil
    }
}

extension FieldDescription {
    /// A message, a group or an enum, or one of the first and the last that does not say which.
    fileprivate var hasTypeName: Bool { [0, 10, 11, 14].contains(type) }
}

extension FileDescription {
    /// Full names of messages, enums, services and extensions that stand directly in it.
    fileprivate var topLevelNames: [String] {
        (messages.map(\.name) + enums.map(\.name) + services.map(\.name) + extensions.map(\.name)).map { Linker.join(package, $0) }
    }
}

extension MessageDescription {
    /// Leaves a message that is among `names` nothing but what others may use of it: its name and the types within it.
    fileprivate mutating func empty(_ names: Set<String>, withoutExtensions: Set<String>, scope: String) {
        let fullName = Linker.join(scope, name)
        if names.contains(fullName) { (fields, oneofs) = ([], []) }
        extensions.removeAll { withoutExtensions.contains(Linker.join(fullName, $0.name)) }
        for index in messages.indices { messages[index].empty(names, withoutExtensions: withoutExtensions, scope: fullName) }
    }
}

internal import Config
internal import HTTPModel

extension Grammar where Value == HeaderChanges {
    /// `request_headers` or `response_headers`.
    static func headerChanges(_ message: ChangedMessage) -> Grammar {
        .section(expected: "a mapping with only, set, add or remove") { section in
            let only = section.optional("only", .names { message.problem(withListed: $0) })
            let set = section.value("set", .changedFields(message), default: [])
            let add = section.value("add", .changedFields(message), default: [])
            let remove = section.value("remove", .list(of: .located(.removedName(message))), default: [])
            section.requireOne(of: ["only", "set", "add", "remove"])
            var names: Set<[UInt8]> = []
            for name in set.map({ Located($0.value.name, at: $0.place) }) + add.map({ Located($0.value.name, at: $0.place) })
                + remove
            where !names.insert(name.value).inserted {
                let text = String(decoding: name.value, as: UTF8.self)
                section.reader.report(
                    "found \(Quoted.text(text)) twice, expected each header once in set, add and remove together", at: name.place)
            }
            if names.count > HeaderChanges.countMax {
                section.report("found \(names.count) headers, expected \(HeaderChanges.countMax) at most")
            }
            return HeaderChanges(only: only, set: set.map(\.value), add: add.map(\.value), remove: remove.map(\.value))
        }
    }
}

/// Whose headers are changed.
enum ChangedMessage {
    case request
    case response

    /// What was expected instead of a header of that name; `nil` where it may be changed.
    ///
    /// `_` and `.` read like `-` to servers that hand headers to programs as variables, so such names have the same rules
    /// (`FieldNameSet`).
    func problem(with written: String) -> String? {
        let name: String
        do throws(FieldMatch.Mistake) {
            name = String(decoding: try FieldMatch.headerName(written).utf8.map { FieldNameSet.folded($0) }, as: UTF8.self)
        } catch .hasItsOwnKey {
            return self == .request ? "a header; path and authority are changed by rewrite" : "a header of responses"
        } catch {
            return error.expected
        }
        if ClaimHeaderName.hopByHop.contains(name) {
            return "a header that is not hop-by-hop: the gateway writes those for each connection"
        }
        if name == "expect" { return "a header other than expect, which is the connection's" }
        if ["content-length", "content-type", "content-encoding"].contains(name) {
            return "a header that does not describe the body: gRPC and converted bodies depend on it"
        }
        if name.hasPrefix("grpc-") || name.hasPrefix("connect-") { return "a header that is not gRPC's or Connect's own" }
        if self == .request, ClaimHeaderName.ours.contains(name) { return "a header that the gateway does not set itself" }
        return nil
    }

    /// What was expected instead of a header of that name in `only`, which may be the beginning of names; `nil` where it can be.
    func problem(withListed written: String) -> String? {
        do throws(FieldMatch.Mistake) {
            let name = try FieldMatch.headerName(written)
            guard ClaimHeaderName.hopByHop.contains(name) || name == "expect" else { return nil }
            return "a header that is not hop-by-hop: those go no further"
        } catch .hasItsOwnKey {
            return "another header: this one is always sent"
        } catch {
            return error.expected
        }
    }

    /// What was expected instead of a value; `nil` where a header of this message can have it.
    func problem(with value: CallTemplate) -> String? {
        if value.parts.isEmpty { return "a value; remove: [name] takes a header away" }
        let visible = "visible ASCII without spaces at its ends"
        guard value.texts.allSatisfy({ $0.allSatisfy { (0x20...0x7e).contains($0) } }) else { return visible }
        switch value.parts.first {
        case .text(let text)?, .variable(_, let text?)?: if text.first == 0x20 { return visible }
        default: break
        }
        switch value.parts.last {
        case .text(let text)?, .variable(_, let text?)?: if text.last == 0x20 { return visible }
        default: break
        }
        for variable in value.variables {
            switch self {
            case .request where variable.isOfAnswer:
                return "variables of the request: %{\(variable.name)} is not known before there is an answer"
            case .response where variable.isCredential:
                return
                    "no credential of the caller: response headers are read by scripts, caches and logs that never see the request's"
            default: continue
            }
        }
        return nil
    }
}

extension Grammar where Value == [Located<HeaderChanges.Field>] {
    /// Header names, each with its value.
    fileprivate static func changedFields(_ message: ChangedMessage) -> Grammar {
        let value = Grammar<CallTemplate>.callTemplate(
            "a text, with %{name} for a variable of the call", problem: message.problem(with:))
        let names = Grammar<[(name: Located<String>, value: CallTemplate)]>.names(
            "a mapping of header names to values, such as { x-real-ip: \"%{client.address}\" }", of: value)
        return Grammar(expected: names.expected) { node, reader, expected in
            guard let entries = names.expecting(expected).read(node, reader) else { return nil }
            return entries.compactMap { entry in
                let name = entry.name.value
                // What is right of a value of its own is no value of gRPC's for such a name.
                let problem =
                    message.problem(with: name)
                    ?? (name.lowercased().hasSuffix("-bin") ? "a header without -bin: gRPC takes such values for base64" : nil)
                guard let problem else {
                    let field = HeaderChanges.Field(name: Array(name.lowercased().utf8), value: entry.value)
                    return Located(field, at: entry.name.place)
                }
                reader.report("found \(Quoted.text(name)), expected \(problem)", at: entry.name.place)
                return nil
            }
        }
    }
}

extension Grammar where Value == [UInt8] {
    /// Of a header or trailer that an answer may have, and that may be taken from it.
    static var responseHeaderName: Grammar { removedName(.response) }

    fileprivate static func removedName(_ message: ChangedMessage) -> Grammar {
        Grammar(expected: "a header's name such as x-debug") { (text: String) in
            message.problem(with: text).map { .expected($0) } ?? .value(Array(text.lowercased().utf8))
        }
    }
}

internal import Config
internal import HTTPModel
internal import Routing

extension RouteMatch {
    /// Reads `authority`, `service` or `path`, and `headers`; `nil` where one of them is wrong.
    init?(in section: Section) {
        let authority = section.optional("authority", .matching(Authority.init))
        let service = section.optional("service", .matching(Target.init(service:), like: .notAService))
        let path = section.optional("path", .matching(Target.init(path:), like: .notAPath))
        section.exclude("service", with: "path")
        let headers = section.optional("headers", .headerConditions)
        // What was written and could not be read would make the route take more than it should.
        guard (authority != nil) == section.has("authority"), (service != nil) == section.has("service"),
            (path != nil) == section.has("path"), (headers != nil) == section.has("headers")
        else { return nil }
        self.init(authority: authority ?? .any, target: service ?? path ?? .any, headers: headers ?? [])
    }
}

extension Grammar {
    fileprivate static func matching(
        _ parse: @escaping (String) throws(RouteMatch.Mistake) -> Value, like: RouteMatch.Mistake = .notAnAuthority
    ) -> Grammar {
        Grammar(expected: like.expected) { (text: String) in
            do throws(RouteMatch.Mistake) {
                return .value(try parse(text))
            } catch {
                return .expected(error.expected)
            }
        }
    }
}

extension Grammar where Value == [HeaderCondition] {
    /// Header names, each with the value asked for; `"*"` for any. All of them.
    static var headerConditions: Grammar {
        let expected = "a mapping of header names to values, such as { x-version: \"2\" }; \"*\" for any value"
        return Grammar(expected: expected) { node, reader, expected in
            guard let entries = node.entries, !entries.isEmpty else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            var conditions: [HeaderCondition] = []
            for entry in entries {
                // Without a value there is nothing to compare with.
                guard let text = Grammar<String>.text("a value, or \"*\" for any").read(entry.value, reader) else { continue }
                do throws(HeaderCondition.Mistake) {
                    let condition = try HeaderCondition(name: entry.key.value, text)
                    if conditions.contains(where: { $0.name == condition.name }) {
                        reader.report(
                            "found \(Quoted.text(condition.name)) twice, expected each header once", at: entry.key.place)
                    } else {
                        conditions.append(condition)
                    }
                } catch .notAValue {
                    reader.reportMismatch(entry.value, expected: HeaderCondition.Mistake.notAValue.expected)
                } catch {
                    reader.report("found \(Quoted.text(entry.key.value)), expected \(error.expected)", at: entry.key.place)
                }
            }
            return conditions.count == entries.count ? conditions : nil
        }
    }
}

internal import Config
internal import HTTPModel

extension Grammar where Value == [HeaderCondition] {
    /// What rules ask of headers: names, each with the value asked for; `"*"` for any. All of them.
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

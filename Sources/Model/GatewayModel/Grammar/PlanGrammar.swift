internal import Config
internal import LimitRules
internal import RateLimit

extension Grammar where Value == [PlanConfiguration] {
    static var plans: Grammar {
        let plan = Grammar<[LimitConfiguration]>.section(expected: "a mapping with limits") { section in
            section.required("limits", .limitList)
        }
        let names = Grammar<[(name: Located<String>, value: [LimitConfiguration])]>
            .names("a mapping of plans, each a mapping with limits", of: plan)
        return Grammar(expected: names.expected) { node, reader, expected in
            names.expecting(expected).read(node, reader)?.map { name, limits in
                reader.checkName(name)
                return PlanConfiguration(
                    name: name.value,
                    limits: limits.enumerated().map { index, limit in
                        var limit = limit.named("plans.\(name.value).limits[\(index)]")
                        if !limit.rule.keys.contains(.tenant) { limit.rule.keys.insert(.tenant, at: 0) }
                        return limit
                    })
            }
        }
    }
}

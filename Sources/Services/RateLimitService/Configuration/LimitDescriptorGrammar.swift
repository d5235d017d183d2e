internal import Config
internal import RateLimit

extension LimitDomain {
    init?(in section: Section) {
        let name = section.required("domain", .text("a domain's name"))
        let charging = section.value("charging", .charging, default: .allOrNone)
        let descriptors = section.value("descriptors", .limitDescriptors, default: [])
        guard let name else { return nil }
        self.init(name: name, charging: charging, descriptors: descriptors)
    }
}

extension Grammar where Value == LimitRequest.Charging {
    fileprivate static var charging: Grammar {
        let words = ["all_or_none", "each"]
        return Grammar(expected: Quoted.alternatives(words)) { (text: String) in
            switch text {
            case "all_or_none": .value(.allOrNone)
            case "each": .value(.always)
            default: .mismatch(hint: Spelling.hint(for: text, among: words))
            }
        }
    }
}

extension Grammar where Value == [LimitDescriptor] {
    /// One level of the tree.
    fileprivate static var limitDescriptors: Grammar {
        Grammar(expected: "a list of descriptors, each a mapping with key") { node, reader, expected in
            let list = Grammar<[Located<LimitDescriptor>]>.list(of: .located(.limitDescriptor), isEmptyAllowed: true)
            guard let descriptors = list.expecting(expected).read(node, reader) else { return nil }
            var seen: Set<[String?]> = []
            for descriptor in descriptors where !seen.insert([descriptor.value.key, descriptor.value.value]).inserted {
                let value = descriptor.value.value.map { " with the value \(Quoted.text($0))" } ?? " without a value"
                reader.report(
                    "found the key \(Quoted.text(descriptor.value.key))\(value) twice, expected it once on a level",
                    at: descriptor.place)
            }
            return descriptors.map(\.value)
        }
    }
}

extension Grammar where Value == LimitDescriptor {
    fileprivate static var limitDescriptor: Grammar {
        .section(expected: "a mapping with key") { section in
            let key = section.required("key", .text("the key of a descriptor's entry"))
            let value = section.optional("value", .entryValue)
            let limit = section.optional("rate_limit", .serviceLimit)
            let isShadow = section.value("shadow_mode", .boolean, default: false)
            let isQuota = section.value("quota_mode", .boolean, default: false)
            let isDetailed = section.value("detailed_metric", .boolean, default: false)
            let hasValueInMetric = section.value("value_to_metric", .boolean, default: false)
            let sharesThreshold = section.value("share_threshold", .boolean, default: false)
            // For answers' dynamic metadata, which are not made.
            if let metadata = section.node("metadata"), metadata.entries == nil {
                section.report("found \(metadata.found), expected a mapping", about: "metadata")
            }
            if sharesThreshold, value?.contains("*") != true {
                section.report("expected it beside a value with *", about: "share_threshold")
            }
            let descriptors = section.value("descriptors", .limitDescriptors, default: [])
            guard let key else { return nil }
            // As in envoyproxy/ratelimit, an empty value is no value.
            return LimitDescriptor(
                key: key, value: value.flatMap { $0.isEmpty ? nil : $0 }, limit: limit, isShadow: isShadow, isQuota: isQuota,
                isDetailed: isDetailed, hasValueInMetric: hasValueInMetric, sharesThreshold: sharesThreshold,
                descriptors: descriptors)
        }
    }
}

extension Grammar where Value == String {
    fileprivate static var entryValue: Grammar {
        Grammar(expected: "the value of a descriptor's entry") { (text: String) in .value(text) }
    }
}

extension Grammar where Value == ServiceLimit {
    fileprivate static var serviceLimit: Grammar {
        .section(expected: "a mapping with unit and requests_per_unit, or with unlimited: true") { section in
            let isUnlimited = section.value("unlimited", .boolean, default: false)
            let name = section.optional("name", .text("a limit's name"))
            let replaces = section.value("replaces", .list(of: .replacedLimit, isEmptyAllowed: true), default: [])
            if let name, replaces.contains(name) {
                section.report("found the limit's own name, expected those of others", about: "replaces")
            }
            if isUnlimited {
                section.exclude("unlimited", with: "unit")
                section.exclude("unlimited", with: "requests_per_unit")
                section.exclude("unlimited", with: "unit_multiplier")
                return ServiceLimit(amount: .unlimited, name: name, replaces: replaces)
            }
            let unit = section.required("unit", .serviceUnit)
            let requests = section.required("requests_per_unit", .count(0...Int(UInt32.max)))
            let multiplier = section.value("unit_multiplier", .count(1...ServiceLimit.windowSecondsMax), default: 1)
            guard let unit, let requests else { return nil }
            let most = ServiceLimit.windowSecondsMax / unit.seconds
            if multiplier > most {
                section.report(
                    "found \(multiplier), expected at most \(most): a window is ten years long at most", about: "unit_multiplier")
            }
            return ServiceLimit(
                amount: .requests(UInt32(requests), per: unit), multiplier: min(multiplier, most), name: name, replaces: replaces)
        }
    }
}

extension Grammar where Value == String {
    fileprivate static var replacedLimit: Grammar {
        .section(expected: "a mapping with name") { $0.required("name", .text("a limit's name")) }
    }
}

extension Grammar where Value == ServiceLimit.Unit {
    /// In any case, as in envoyproxy/ratelimit.
    fileprivate static var serviceUnit: Grammar {
        let words = ServiceLimit.Unit.allCases.map(\.rawValue)
        return Grammar(expected: Quoted.alternatives(words)) { (text: String) in
            if let unit = ServiceLimit.Unit(rawValue: text.lowercased()) { return .value(unit) }
            return .mismatch(hint: Spelling.hint(for: text, among: words))
        }
    }
}

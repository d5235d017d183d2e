internal import Config

/// Reads the domains of a configuration: those that stand in it, several under `domains` or one at the root, and those of the files that it
/// names, one in each, as files of envoyproxy/ratelimit are.
struct DomainReading {
    private(set) var domains: [LimitDomain] = []
    private var places: [Place] = []
    private let reader: Reader
    /// Domains of one name are put together.
    private let merges: Bool

    init(_ section: Section, _ listFolder: (String) -> Result<[String], FileFailure>?) {
        reader = section.reader
        merges = section.value("merge_domains", .boolean, default: false)
        let several = section.optional("domains", .list(of: .namedDomain))
        let files = section.optional("rule_files", .list(of: .located(.path("a file or folder of rules"))))
        if section.has("domain") || section.has("descriptors") {
            for other in ["domains", "rule_files"] {
                for key in ["domain", "descriptors"] { section.exclude(other, with: key) }
            }
            if let domain = NamedDomain(in: section) { add(domain) }
        } else if !section.has("domains"), !section.has("rule_files") {
            let expected = Grammar.list(of: Grammar<NamedDomain>.namedDomain).expected
            section.report("the key \"domains\" is missing, expected \(expected)")
        }
        for domain in several ?? [] { add(domain) }
        for path in files ?? [] { read(path, listFolder) }
    }

    private mutating func add(_ domain: NamedDomain) {
        guard let index = domains.firstIndex(where: { $0.name == domain.domain.name }) else {
            domains.append(domain.domain)
            places.append(domain.place)
            return
        }
        guard merges else {
            let elsewhere = places[index].file == domain.place.file ? "" : "; the other is in \(places[index].file)"
            return reader.report(
                "found \(Quoted.text(domain.domain.name)) twice, expected each domain once\(elsewhere)", at: domain.place)
        }
        for descriptor in domain.domain.descriptors {
            if domains[index].descriptors.contains(where: { $0.key == descriptor.key && $0.value == descriptor.value }) {
                reader.report(
                    "found \(descriptor.label) in this domain twice, expected it once on a level; the other is in \(places[index].file)",
                    at: domain.place)
            }
        }
        if domains[index].charging != domain.domain.charging {
            reader.report("found another charging than in \(places[index].file), expected one for a domain", at: domain.place)
        }
        domains[index].descriptors += domain.domain.descriptors
    }

    private mutating func read(_ path: Located<String>, _ listFolder: (String) -> Result<[String], FileFailure>?) {
        switch listFolder(path.value) {
        case nil: readFile(path.value, at: path.place)
        case .failure(let failure):
            reader.report("found \(Quoted.text(path.value)), which cannot be read: \(failure.reason)", at: path.place)
        case .success(let names):
            if names.isEmpty {
                reader.report(
                    "found \(Quoted.text(path.value)), a folder without files of rules, expected names that end in .yaml or .yml",
                    at: path.place)
            }
            for name in names { readFile("\(path.value)/\(name)", at: path.place) }
        }
    }

    private mutating func readFile(_ file: String, at place: Place) {
        let text: String
        switch reader.surroundings.readFile(file) {
        case .success(let found): text = found
        case .failure(let failure):
            return reader.report("found \(Quoted.text(file)), which cannot be read: \(failure.reason)", at: place)
        }
        let rules = Reader(text, file: file, surroundings: reader.surroundings)
        let domain = rules.root.flatMap { Grammar<NamedDomain>.namedDomain.read($0, rules) }
        for issue in rules.issues { reader.report(issue.message, at: issue.place, severity: issue.severity) }
        if let domain { add(domain) }
    }
}

/// A domain, and where its name is written.
struct NamedDomain {
    var domain: LimitDomain
    var place: Place

    init?(in section: Section) {
        let place = section.node("domain")?.place ?? section.place
        guard let domain = LimitDomain(in: section) else { return nil }
        self.domain = domain
        self.place = place
    }
}

extension Grammar where Value == NamedDomain {
    static var namedDomain: Grammar { .section(expected: "a mapping with domain and descriptors", NamedDomain.init(in:)) }
}

extension LimitDescriptor {
    /// As messages name it.
    fileprivate var label: String {
        "the key \(Quoted.text(key))" + (value.map { " with the value \(Quoted.text($0))" } ?? " without a value")
    }
}

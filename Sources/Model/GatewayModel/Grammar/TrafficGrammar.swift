internal import Config
internal import GRPC

extension TrafficConfiguration {
    init(in section: Section) {
        section.exclude("cluster", with: "clusters")
        split = section.optional("clusters", .weightedClusters) ?? []
        sticky = section.value("sticky", .list(of: .hashSource), default: [])
        if section.has("sticky"), !section.has("clusters") {
            section.report("found without clusters, expected beside them: there is nothing to choose from", about: "sticky")
        }
        mirror = section.optional("mirror", .mirror)
        fault = section.optional("fault", .fault)
    }
}

extension Grammar where Value == [WeightedCluster] {
    fileprivate static var weightedClusters: Grammar {
        let names = Grammar<[(name: Located<String>, value: Int)]>.names(
            "a mapping of clusters to their weights, such as { stable: 90, canary: 10 }", of: .count(0...1_000_000))
        return Grammar(expected: names.expected) { node, reader, expected in
            guard let entries = names.expecting(expected).read(node, reader) else { return nil }
            guard let written = node.entries, !written.isEmpty else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            // A weight that could not be read is the mistake to mend first.
            if entries.count == written.count, entries.allSatisfy({ $0.value == 0 }) {
                reader.report("found weights of zero only, expected at least one above zero", at: node.place)
            }
            return entries.map { WeightedCluster(cluster: $0.name.value, weight: $0.value) }
        }
    }
}

extension Grammar where Value == MirrorConfiguration {
    fileprivate static var mirror: Grammar {
        .section(expected: "a mapping with cluster") { section in
            let cluster = section.required("cluster", .text("the name of a cluster"))
            let fraction = section.fraction()
            return cluster.map { MirrorConfiguration(cluster: $0, fraction: fraction) }
        }
    }
}

extension Grammar where Value == FaultConfiguration {
    fileprivate static var fault: Grammar {
        .section(expected: "a mapping with delay or abort") { section in
            let delay = section.optional("delay", .delay)
            let abort = section.optional("abort", .abort)
            if !section.has("delay"), !section.has("abort") {
                section.report("found neither delay nor abort, expected at least one")
            }
            return FaultConfiguration(delay: delay, abort: abort)
        }
    }
}

extension Grammar where Value == FaultConfiguration.Delay {
    fileprivate static var delay: Grammar {
        .section(expected: "a mapping with duration, or header and maximum") { section in
            let time = Grammar<Duration>.duration(.milliseconds(1) ... .seconds(3600))
            guard section.value("header", .boolean, default: false) else {
                let duration = section.required("duration", time)
                let fraction = section.fraction()
                if section.has("maximum") {
                    section.report(
                        "found without header: true, expected it beside a delay that a header asks for", about: "maximum")
                }
                return duration.map { FaultConfiguration.Delay(duration: $0, fraction: fraction) }
            }
            section.exclude("header", with: "duration")
            let maximum = section.required("maximum", time)
            let fraction = section.fraction()
            return maximum.map { FaultConfiguration.Delay(duration: $0, fraction: fraction, isByHeader: true) }
        }
    }
}

extension Grammar where Value == FaultConfiguration.Abort {
    fileprivate static var abort: Grammar {
        .section(expected: "a mapping with grpc_status or http_status, or header: true") { section in
            let isByHeader = section.value("header", .boolean, default: false)
            let status = section.optional("grpc_status", .status)
            let httpStatus = section.optional("http_status", .count(400...599))
            let fraction = section.fraction()
            if isByHeader {
                section.exclude("header", with: "grpc_status")
                section.exclude("header", with: "http_status")
            } else if !section.has("grpc_status"), !section.has("http_status") {
                section.report("found neither grpc_status nor http_status, expected at least one, or header: true")
            }
            return FaultConfiguration.Abort(
                status: status ?? httpStatus.map { StatusCode(httpStatusWithoutGRPCStatus: $0) } ?? .unavailable,
                httpStatus: httpStatus ?? status?.httpStatus ?? 503, fraction: fraction, isByHeader: isByHeader)
        }
    }
}

extension Section {
    /// `fraction`; one of nothing is read, and wondered at.
    fileprivate func fraction() -> Fraction {
        let fraction = value("fraction", .fraction, default: Fraction.all)
        if has("fraction"), fraction == .none { report("found 0%: it happens to no call", about: "fraction", severity: .warning) }
        return fraction
    }
}

extension Grammar where Value == Fraction {
    /// `10%` or `0.1%`, with up to four digits behind the point.
    fileprivate static var fraction: Grammar {
        Grammar(expected: "a percentage such as 10% or 0.1%") { (text: String) in
            guard text.last == "%" else { return .mismatch }
            let parts = text.dropLast().split(separator: ".", omittingEmptySubsequences: false)
            guard let whole = parts.first.flatMap({ Number.count($0) }), whole <= 100, parts.count <= 2 else { return .mismatch }
            var millionths = whole * 10_000
            if parts.count == 2 {
                let digits = parts[1]
                guard (1...4).contains(digits.count), !digits.contains("_"), let count = Number.count(digits) else {
                    return .mismatch
                }
                millionths += [1000, 100, 10, 1][digits.count - 1] * count
            }
            return millionths <= 1_000_000 ? .value(Fraction(millionths: UInt32(millionths))) : .mismatch
        }
    }
}

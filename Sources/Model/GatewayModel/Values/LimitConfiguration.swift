package import AccessControl
internal import Config
package import LimitRules
package import RateLimit

/// One entry of `limits`: what is counted, and which calls it applies to.
package struct LimitConfiguration: Sendable, Equatable {
    /// Its name, keys, mode and stage; for `count` also how many in which window.
    package var rule: LimitRule
    package var effect: Effect
    /// It applies only to calls that this fits.
    package var when: AccessRule?
    /// `nil` where nothing is said: such calls share a counter.
    package var whenMissing: MissingKey?
    /// What a call is charged; `nil` for what its method or route says.
    package var cost: Cost?
    /// The access log may have its keys' values.
    package var logsKey = false
    /// What of a call's streams it counts; `nil` where it counts calls.
    package var stream: StreamCounting?
    /// How much of it is used when answers warn of it, in percent, zero for never; `nil` for what `rate_limits` says.
    package var warnPercent: Int?

    package enum Effect: Sendable, Equatable {
        case count
        /// `count: 0`: calls that it applies to are refused.
        case refuse
        /// `count: unlimited`: for calls that it applies to, later entries with the same keys do not apply.
        case exempt
        /// `descriptors`: a rate-limit service is asked by its own rules; they are the rule's.
        case serviceDescriptors([[DescriptorEntry]])
    }

    /// One entry of a descriptor (RateLimitDescriptor.Entry).
    package struct DescriptorEntry: Sendable, Equatable {
        package var key: String
        package var value: CallTemplate
    }

    package enum Cost: Sendable, Equatable {
        case hits(UInt64)
        /// What its answer says, charged at its end.
        case response(ResponseCost)
    }

    /// A cost that the backend says in a header or trailer.
    package struct ResponseCost: Sendable, Equatable {
        /// In lower case.
        package var header: [UInt8]
        /// Where the answer says none that can be read.
        package var otherwise: UInt64
        package var maximum: UInt64

        package init(header: [UInt8], otherwise: UInt64, maximum: UInt64) {
            self.header = header
            self.otherwise = otherwise
            self.maximum = maximum
        }
    }

    /// A limit inside streams.
    package struct StreamCounting: Sendable, Equatable {
        package var measure: StreamMeasure
        /// What is over waits, held back by flow control; else it ends the call.
        package var isHeld: Bool
        /// How many bytes a hit stands for, so that counts fit; 1 for messages.
        package var unit: Int

        package init(measure: StreamMeasure, isHeld: Bool, unit: Int) {
            self.measure = measure
            self.isHeld = isHeld
            self.unit = unit
        }

        /// The unit for a count of bytes: as fine as a counter of hits a second can be.
        package static func unit(for bytes: Int) -> Int {
            var unit = 1
            while bytes / unit > Int(LimitRule.perSecondMax) { unit *= 2 }
            return unit
        }
    }

    package enum StreamMeasure: String, CaseIterable, Sendable {
        case requestMessages = "request_messages"
        case responseMessages = "response_messages"
        case requestBytes = "request_bytes"
        case responseBytes = "response_bytes"

        package var isOfBytes: Bool { self == .requestBytes || self == .responseBytes }
        package var isOfRequest: Bool { self == .requestBytes || self == .requestMessages }
    }

    /// The most that it may cost; a service has no limits of ours.
    package static let costMax = 1_000_000_000

    /// The most hits that it ever admits at once; `nil` where that is not ours to say.
    package var capacity: UInt64? { effect == .count && stream == nil ? rule.capacity : nil }

    /// What calls are charged whatever their method or route costs; `nil` where these decide. A call is one call in flight.
    package var ownCost: Cost? { cost ?? (effect == .count && rule.effectiveAlgorithm == .concurrency ? .hits(1) : nil) }

    /// How many of the sixteen that a request to a store has room for it takes.
    package var slotCount: Int {
        switch effect {
        case .count: 1
        case .refuse, .exempt: 0
        case .serviceDescriptors(let descriptors): descriptors.count
        }
    }

    /// What happens to a call without a value for one of the keys.
    package enum MissingKey: String, CaseIterable, Sendable {
        /// All such calls share one counter.
        case share
        /// The limit does not apply.
        case skip
        case refuse
    }

    package init(_ rule: LimitRule, effect: Effect = .count, when: AccessRule? = nil, whenMissing: MissingKey? = nil) {
        self.rule = rule
        self.effect = effect
        self.when = when
        self.whenMissing = whenMissing
    }
}

extension LimitConfiguration {
    /// The shorthand, for messages about the longer form, and for documents.
    package var text: String {
        let keys = rule.keys.isEmpty ? "" : " per " + rule.keys.map(\.description).joined(separator: ", ")
        switch effect {
        case .refuse: return "0" + keys
        case .exempt: return "unlimited" + keys
        case .serviceDescriptors(let descriptors):
            return "descriptors " + descriptors.map { $0.map(\.key).joined(separator: ", ") }.joined(separator: "; ")
        case .count where rule.effectiveAlgorithm == .concurrency: return "\(rule.count) at once" + keys
        case .count:
            let window = rule.window
            let span = window.units == 1 ? window.unit.rawValue : "\(window.units)\(window.unit.rawValue)"
            let amount =
                stream.map { stream in
                    let amount = Int(rule.count) * stream.unit
                    return stream.measure.isOfBytes ? ByteSize.text(amount) : "\(amount)"
                } ?? "\(rule.count)"
            let measure = stream.map { " \($0.measure.rawValue)" } ?? ""
            return "\(amount)/\(span)" + measure + (rule.algorithm.map { " \($0.rawValue)" } ?? "")
                + (rule.burst.map { " burst \($0)" } ?? "") + keys
        }
    }
}

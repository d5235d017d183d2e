internal import Bytes
internal import Matching

/// Gathers routes into the flat memory of a `RouteTable`.
struct RouteTableBuilder {
    let seed: UInt64
    private(set) var shapes: [RouteTableStorage.Shape] = []
    private(set) var headers: [RouteTableStorage.Header] = []
    private(set) var patterns: [RouteTableStorage.Pattern] = []
    private(set) var conditions: [RouteTableStorage.Condition] = []
    /// Of `conditions`, which live no longer.
    private(set) var matchers: [ValueMatcher] = []
    private(set) var hasMethods: [Bool] = []
    private(set) var slots: [RouteTableStorage.Slot] = []
    private(set) var methodSlots: [RouteTableStorage.MethodSlot] = []
    private(set) var bytes: [UInt8] = []
    private(set) var depthMax = 0

    private let listeners: [String: Int]
    private var shapeIndices: [RouteShape: Int] = [:]
    private var seenKeys: Set<RouteKey> = []
    private var keys: [(key: RouteKey, pattern: Int)] = []
    private var methods: [RouteTableStorage.MethodSlot] = []

    /// What the files hold that conditions compare with, by their paths.
    private let files: [String: ValueList]

    init(seed: UInt64, listeners: [String], files: [String: ValueList]) {
        self.seed = seed
        self.listeners = Dictionary(listeners.enumerated().map { ($1, $0) }) { first, _ in first }
        self.files = files
    }

    mutating func add(_ entry: RouteTable.Entry) {
        let route = hasMethods.count
        hasMethods.append(!entry.methods.isEmpty)
        let runs = keepConditions(of: entry.match)
        for alternative in entry.match.alternatives {
            let key = alternative.key
            let run = runs[alternative.target]
            var pattern = RouteTableStorage.Pattern(
                listener: listener(key), shape: Int32(shapeIndex(key.shape, route)), route: Int32(route),
                firstCondition: Int32(run.lowerBound),
                conditionCount: Int32(run.count),
                asksMoreThanTarget: conditions[run].contains { $0.source == .method || $0.source == .header })
            pattern.authority = keep(key.authority)
            pattern.target = keep(key.target)
            pattern.values = keepValues(key.values)
            switch key.shape.target {
            case .path, .prefix: depthMax = max(depthMax, RouteKey.segmentCount(key.target))
            case .any, .service, .services: break
            }
            // A route behind one with its key and no conditions can never be taken; it keeps its index, and its methods.
            if !seenKeys.contains(key) { keys.append((key, patterns.count)) }
            if pattern.conditionCount == 0 { seenKeys.insert(key) }
            patterns.append(pattern)
        }
        for (index, name) in entry.methods.enumerated() {
            var name = name
            let hash = name.withUTF8 { RouteLookup.methodHash(BorrowedBytes($0), of: route, seed: seed) }
            methods.append(.init(hash: hash, name: keep(name), route: Int32(route), method: Int32(index)))
        }
    }

    /// The run of each target: most are the same, regular expressions have their own.
    private mutating func keepConditions(of match: RouteMatch) -> [Range<Int>] {
        var runs: [[RouteCondition]: Range<Int>] = [:]
        return match.targets.map { target in
            let wanted = match.conditions(for: target)
            if let run = runs[wanted] { return run }
            let start = conditions.count
            for condition in wanted { keep(condition) }
            runs[wanted] = start..<conditions.count
            return start..<conditions.count
        }
    }

    mutating func finish() {
        let empty = RouteTableStorage.Slot(hash: 0, pattern: -1)
        slots = keys.isEmpty ? [] : Array(repeating: empty, count: Self.slotCount(keys.count))
        // Of one hash, what was written first is found first.
        for (key, pattern) in keys {
            let hash = hash(of: key, shape: Int(patterns[pattern].shape))
            var index = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while slots[index].pattern >= 0 { index = (index + 1) & (slots.count - 1) }
            slots[index] = .init(hash: hash, pattern: Int32(pattern))
        }
        let emptyMethod = RouteTableStorage.MethodSlot(hash: 0, route: -1, method: -1)
        methodSlots = methods.isEmpty ? [] : Array(repeating: emptyMethod, count: Self.slotCount(methods.count))
        for method in methods {
            var index = Int(truncatingIfNeeded: method.hash) & (methodSlots.count - 1)
            while methodSlots[index].route >= 0 { index = (index + 1) & (methodSlots.count - 1) }
            methodSlots[index] = method
        }
    }

    /// A power of two, at most half full.
    private static func slotCount(_ keyCount: Int) -> Int {
        var count = 4
        while count < keyCount * 2 { count *= 2 }
        return count
    }

    /// Must agree with `RouteLookup`.
    private func hash(of key: RouteKey, shape: Int) -> UInt64 {
        var hash = RouteHash(seed: seed)
        hash.add(UInt64(shape))
        if key.shape.isOfListener { hash.add(UInt64(truncatingIfNeeded: listener(key))) }
        if key.shape.authority != .any { hash.add(Self.hash(key.authority, seed: seed)) }
        switch key.shape.target {
        case .any: break
        case .service, .services: hash.add(Self.hash(key.target, seed: seed))
        case .path: hash.add(pathHash(key.target, segments: RouteKey.segmentCount(key.target)))
        case .prefix(let depth): hash.add(pathHash(key.target, segments: depth))
        }
        for value in key.values { hash.add(Self.hash(value, seed: seed)) }
        return hash.state
    }

    /// Of one that there is not, a place that no head has.
    private func listener(_ key: RouteKey) -> Int32 {
        key.shape.isOfListener ? Int32(clamping: listeners[key.listener] ?? Int(Int32.max)) : -1
    }

    private static func hash(_ text: String, seed: UInt64) -> UInt64 {
        var text = text
        return text.withUTF8 { RouteLookup.hash(BorrowedBytes($0), seed: seed) }
    }

    private func pathHash(_ path: String, segments: Int) -> UInt64 {
        var path = path
        return path.withUTF8 { bytes in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: segments + 1) { scratch in
                _ = RouteLookup.hashSegments(BorrowedBytes(bytes), seed: seed, into: scratch)
                return scratch[segments]
            }
        }
    }

    private mutating func shapeIndex(_ shape: RouteShape, _ route: Int) -> Int {
        if let index = shapeIndices[shape] { return index }
        var flat = RouteTableStorage.Shape(
            isOfListener: shape.isOfListener, authority: .any, target: .any, labels: 0, depth: 0, firstHeader: Int32(headers.count),
            headerCount: Int32(shape.headers.count), firstRoute: Int32(route))
        switch shape.authority {
        case .any: break
        case .exact: flat.authority = .exact
        case .suffix(let labels): (flat.authority, flat.labels) = (.suffix, Int32(labels))
        }
        switch shape.target {
        case .any: break
        case .service: flat.target = .service
        case .services(let names): (flat.target, flat.depth) = (.services, Int32(names))
        case .path: flat.target = .path
        case .prefix(let depth): (flat.target, flat.depth) = (.prefix, Int32(depth))
        }
        for header in shape.headers { headers.append(.init(name: keep(header.name), isExact: header.isExact)) }
        shapeIndices[shape] = shapes.count
        shapes.append(flat)
        return shapes.count - 1
    }

    private mutating func keep(_ text: String) -> RouteTableStorage.Slice {
        let slice = RouteTableStorage.Slice(offset: Int32(bytes.count), count: Int32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
        return slice
    }

    private mutating func keep(_ condition: RouteCondition) {
        let matcher = ValueMatcher(condition.value, files: files)
        matchers.append(matcher)
        conditions.append(.init(source: condition.source, name: keep(condition.name), tests: matcher.tests))
    }

    private mutating func keepValues(_ values: [String]) -> RouteTableStorage.Slice {
        let start = bytes.count
        for value in values {
            withUnsafeBytes(of: UInt32(value.utf8.count)) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: value.utf8)
        }
        return RouteTableStorage.Slice(offset: Int32(start), count: Int32(bytes.count - start))
    }
}

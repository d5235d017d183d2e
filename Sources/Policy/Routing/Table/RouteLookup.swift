internal import Bytes
internal import HTTPModel
internal import Matching

/// One request's questions to a `RouteTable`; each hash is made when the first shape asks for it.
struct RouteLookup {
    private let memory: Record<RouteTableStorage>
    private let listener: Int32
    private let authority: BorrowedBytes
    private let service: BorrowedBytes
    private let path: BorrowedBytes
    private let query: BorrowedBytes
    private let method: BorrowedBytes
    private let fields: FieldList
    private var scratch = HashScratch(start: nil, count: 0)
    private var segmentCount = -1
    private var authorityHash: UInt64?
    private var serviceHash: UInt64?

    init(memory: Record<RouteTableStorage>, head: borrowing HeadFacts, fields: borrowing FieldBlock) {
        self.memory = memory
        listener = Int32(head.listener)
        authority = head.authority
        service = head.service
        path = head.path
        query = head.query
        method = head.method
        self.fields = FieldList(start: fields.fields, count: fields.count)
    }

    /// - Parameter scratch: room for `depthMax + 1` hashes; `scratch[n]` becomes that of the path's first n segments.
    mutating func first(scratch: HashScratch) -> RouteTable.Match? {
        self.scratch = scratch
        var best = Int32.max
        var isOfTargetAlone = true
        for index in memory.shapes.indices {
            let shape = memory.shapes[index]
            guard shape.firstRoute < best else { break }
            if shape.headerCount > 0 { isOfTargetAlone = false }
            guard let question = question(shape, at: index) else { continue }
            forEachCandidate(question, shape, at: index) { pattern in
                guard pattern.route < best else { return false }
                if pattern.conditionCount > 0 {
                    if pattern.asksMoreThanTarget { isOfTargetAlone = false }
                    guard meetsConditions(pattern) else { return true }
                }
                best = pattern.route
                return false
            }
        }
        return best == .max ? nil : RouteTable.Match(route: Int(best), isOfTargetAlone: isOfTargetAlone)
    }

    /// All routes that fit but for the HTTP method; for the few requests that no route takes.
    mutating func allWhateverTheMethod(scratch: HashScratch) -> [Int] {
        self.scratch = scratch
        var routes: [Int] = []
        for index in memory.shapes.indices {
            let shape = memory.shapes[index]
            guard let question = question(shape, at: index) else { continue }
            forEachCandidate(question, shape, at: index) { pattern in
                if meetsConditions(pattern, butMethod: true) { routes.append(Int(pattern.route)) }
                return true
            }
        }
        return routes
    }

    private struct Question {
        var hash: UInt64
        var authority: BorrowedBytes
    }

    /// Under what routes of this shape are found that take the request; `nil` where none can.
    @inline(__always)
    private mutating func question(_ shape: RouteTableStorage.Shape, at index: Int) -> Question? {
        var hash = RouteHash(seed: memory.seed)
        hash.add(UInt64(index))
        if shape.isOfListener {
            guard listener >= 0 else { return nil }
            hash.add(UInt64(truncatingIfNeeded: listener))
        }
        let asked: BorrowedBytes
        switch shape.authority {
        case .any: asked = BorrowedBytes.none
        case .exact:
            asked = authority
            hash.add(wholeAuthorityHash())
        case .suffix:
            guard let tail = Self.lastLabels(Int(shape.labels), of: authority) else { return nil }
            asked = tail
            hash.add(Self.hash(tail, seed: memory.seed))
        }
        switch shape.target {
        case .any: break
        case .service:
            guard service.count > 0 else { return nil }
            hash.add(wholeServiceHash())
        case .services:
            guard let package = Self.firstNames(Int(shape.depth), of: service) else { return nil }
            hash.add(Self.hash(package, seed: memory.seed))
        case .path:
            hashPath()
            guard segmentCount < scratch.count else { return nil }
            hash.add(scratch[segmentCount])
        case .prefix:
            hashPath()
            guard segmentCount > Int(shape.depth) else { return nil }
            hash.add(scratch[Int(shape.depth)])
        }
        guard addHeaders(of: shape, to: &hash) else { return nil }
        return Question(hash: hash.state, authority: asked)
    }

    /// The keys of this shape that fit, in the order written, until `body` has enough.
    @inline(__always)
    private func forEachCandidate(
        _ question: Question, _ shape: RouteTableStorage.Shape, at index: Int, _ body: (RouteTableStorage.Pattern) -> Bool
    ) {
        let mask = memory.slots.count - 1
        var slot = Int(truncatingIfNeeded: question.hash) & mask
        while memory.slots[slot].pattern >= 0 {
            if memory.slots[slot].hash == question.hash {
                let pattern = memory.patterns[Int(memory.slots[slot].pattern)]
                if pattern.shape == Int32(index), !shape.isOfListener || pattern.listener == listener,
                    memory.text(pattern.authority, equals: question.authority),
                    fitsTarget(pattern, shape), fitsValues(pattern, shape), !body(pattern)
                {
                    return
                }
            }
            slot = (slot + 1) & mask
        }
    }

    // MARK: Conditions

    @inline(never)
    private func meetsConditions(_ pattern: RouteTableStorage.Pattern, butMethod: Bool = false) -> Bool {
        for index in pattern.firstCondition..<(pattern.firstCondition + pattern.conditionCount) {
            let condition = memory.conditions[Int(index)]
            let isMet =
                switch condition.source {
                case .method: butMethod || condition.tests.matches(method)
                case .path: pathBegins(with: condition.name) && condition.tests.matches(path)
                case .header: meetsHeader(condition)
                case .query: QueryParameters(query).contains(memory.bytes(of: condition.name), condition.tests)
                }
            if !isMet { return false }
        }
        return true
    }

    private func meetsHeader(_ condition: RouteTableStorage.Condition) -> Bool {
        var value: BorrowedBytes?
        for index in fields.indices where memory.text(condition.name, equals: fields[index].nameBytes) {
            guard value == nil else { return condition.tests.takesAny }
            value = fields[index].valueBytes
        }
        guard let value else { return condition.tests.takesNone }
        return condition.tests.matches(value)
    }

    private func fitsTarget(_ pattern: RouteTableStorage.Pattern, _ shape: RouteTableStorage.Shape) -> Bool {
        switch shape.target {
        case .any: true
        case .service: memory.text(pattern.target, equals: service)
        case .services: Self.firstNames(Int(shape.depth), of: service).map { memory.text(pattern.target, equals: $0) } ?? false
        case .path: memory.text(pattern.target, equals: path)
        case .prefix: pathBegins(with: pattern.target)
        }
    }

    private func pathBegins(with text: RouteTableStorage.Slice) -> Bool {
        path.count >= Int(text.count)
            && memory.text(text, equals: BorrowedBytes(rebasing: path[..<Int(text.count)]))
    }

    // MARK: Headers

    /// Adds the values that exact conditions ask for; false where a header is not there, or twice where one text is wanted.
    private func addHeaders(of shape: RouteTableStorage.Shape, to hash: inout RouteHash) -> Bool {
        for index in shape.firstHeader..<(shape.firstHeader + shape.headerCount) {
            let header = memory.headers[Int(index)]
            guard let value = value(of: header) else { return false }
            if header.isExact { hash.add(Self.hash(value, seed: memory.seed)) }
        }
        return true
    }

    private func value(of header: RouteTableStorage.Header) -> BorrowedBytes? {
        var value: BorrowedBytes?
        for index in fields.indices where memory.text(header.name, equals: fields[index].nameBytes) {
            guard header.isExact else { return fields[index].valueBytes }
            guard value == nil else { return nil }
            value = fields[index].valueBytes
        }
        return value
    }

    private func fitsValues(_ pattern: RouteTableStorage.Pattern, _ shape: RouteTableStorage.Shape) -> Bool {
        var offset = Int(pattern.values.offset)
        for index in shape.firstHeader..<(shape.firstHeader + shape.headerCount) {
            let header = memory.headers[Int(index)]
            guard header.isExact else { continue }
            let count = memory.bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            offset += 4
            guard let value = value(of: header),
                memory.text(.init(offset: Int32(offset), count: Int32(count)), equals: value)
            else { return false }
            offset += Int(count)
        }
        return true
    }

    // MARK: Hashes

    static func hash(_ bytes: BorrowedBytes, seed: UInt64) -> UInt64 {
        var hash = RouteHash(seed: seed)
        hash.add(bytes)
        return hash.state
    }

    static func methodHash(_ rpc: BorrowedBytes, of route: Int, seed: UInt64) -> UInt64 {
        var hash = RouteHash(seed: seed)
        hash.add(UInt64(route))
        hash.add(rpc)
        return hash.state
    }

    private mutating func wholeAuthorityHash() -> UInt64 {
        if let authorityHash { return authorityHash }
        let hash = Self.hash(authority, seed: memory.seed)
        authorityHash = hash
        return hash
    }

    private mutating func wholeServiceHash() -> UInt64 {
        if let serviceHash { return serviceHash }
        let hash = Self.hash(service, seed: memory.seed)
        serviceHash = hash
        return hash
    }

    private mutating func hashPath() {
        guard segmentCount < 0 else { return }
        segmentCount = Self.hashSegments(path, seed: memory.seed, into: scratch)
    }

    /// Sets `scratch[n]` to the hash of the path's first n segments, as far as there is room, and returns how many segments
    /// there are, or `scratch.count` where there is no room for all.
    static func hashSegments(
        _ path: BorrowedBytes, seed: UInt64, into scratch: HashScratch
    ) -> Int {
        var hash = RouteHash(seed: seed)
        scratch[0] = hash.state
        var segments = 0
        var start = 1
        while start <= path.count {
            guard segments + 1 < scratch.count else { return scratch.count }
            var end = start
            while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
            hash.add(BorrowedBytes(rebasing: path[start..<end]))
            segments += 1
            scratch[segments] = hash.state
            start = end + 1
        }
        return segments
    }

    /// The first names of a service that has more than these; `nil` where it has not.
    static func firstNames(_ count: Int, of service: BorrowedBytes) -> BorrowedBytes? {
        var left = count
        for index in service.indices where service[index] == UInt8(ascii: ".") {
            left -= 1
            if left == 0 { return BorrowedBytes(rebasing: service[..<index]) }
        }
        return nil
    }

    /// The last labels of a host that has more than these; `nil` where it has not.
    static func lastLabels(_ count: Int, of host: BorrowedBytes) -> BorrowedBytes? {
        var left = count
        var index = host.count - 1
        while index > 0 {
            if host[index] == UInt8(ascii: ".") {
                left -= 1
                if left == 0 { return BorrowedBytes(rebasing: host[(index + 1)...]) }
            }
            index -= 1
        }
        return nil
    }
}

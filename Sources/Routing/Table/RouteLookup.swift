internal import HTTPModel
internal import Glibc

/// One request's questions to a `RouteTable`; each hash is made when the first shape asks for it.
struct RouteLookup {
    private let memory: UnsafePointer<RouteTableStorage>
    private let authority: UnsafeRawBufferPointer
    private let service: UnsafeRawBufferPointer
    private let path: UnsafeRawBufferPointer
    private let fields: UnsafeBufferPointer<Field>
    private var scratch = UnsafeMutableBufferPointer<UInt64>(start: nil, count: 0)
    private var segmentCount = -1
    private var authorityHash: UInt64?
    private var serviceHash: UInt64?

    init(memory: UnsafePointer<RouteTableStorage>, head: borrowing HeadFacts, fields: borrowing FieldBlock) {
        self.memory = memory
        authority = head.authority
        service = head.service
        path = head.path
        self.fields = UnsafeBufferPointer(start: fields.fields, count: fields.count)
    }

    /// - Parameter scratch: room for `depthMax + 1` hashes; `scratch[n]` becomes that of the path's first n segments.
    mutating func first(scratch: UnsafeMutableBufferPointer<UInt64>) -> Int? {
        self.scratch = scratch
        var best = Int32.max
        for index in memory.pointee.shapes.indices {
            let shape = memory.pointee.shapes[index]
            guard shape.firstRoute < best else { break }
            if let route = find(shape, at: index), route < best { best = route }
        }
        return best == .max ? nil : Int(best)
    }

    /// The one route of this shape that takes the request.
    private mutating func find(_ shape: RouteTableStorage.Shape, at index: Int) -> Int32? {
        var hash = RouteHash(seed: memory.pointee.seed)
        hash.add(UInt64(index))
        let asked: UnsafeRawBufferPointer
        switch shape.authority {
        case .any: asked = UnsafeRawBufferPointer(start: nil, count: 0)
        case .exact:
            asked = authority
            hash.add(wholeAuthorityHash())
        case .suffix:
            guard let tail = Self.lastLabels(Int(shape.labels), of: authority) else { return nil }
            asked = tail
            hash.add(Self.hash(tail, seed: memory.pointee.seed))
        }
        switch shape.target {
        case .any: break
        case .service:
            guard service.count > 0 else { return nil }
            hash.add(wholeServiceHash())
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

        let mask = memory.pointee.slots.count - 1
        var slot = Int(truncatingIfNeeded: hash.state) & mask
        while memory.pointee.slots[slot].route >= 0 {
            if memory.pointee.slots[slot].hash == hash.state {
                let route = memory.pointee.slots[slot].route
                let pattern = memory.pointee.patterns[Int(route)]
                if pattern.shape == Int32(index), memory.pointee.text(pattern.authority, equals: asked),
                    fitsTarget(pattern, shape.target), fitsValues(pattern, shape)
                {
                    return route
                }
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private func fitsTarget(_ pattern: RouteTableStorage.Pattern, _ kind: RouteTableStorage.TargetKind) -> Bool {
        switch kind {
        case .any: true
        case .service: memory.pointee.text(pattern.target, equals: service)
        case .path: memory.pointee.text(pattern.target, equals: path)
        case .prefix:
            path.count >= Int(pattern.target.count)
                && memory.pointee.text(pattern.target, equals: UnsafeRawBufferPointer(rebasing: path[..<Int(pattern.target.count)]))
        }
    }

    // MARK: Headers

    /// Adds the values that exact conditions ask for; false where a header is not there, or twice where one text is wanted.
    private func addHeaders(of shape: RouteTableStorage.Shape, to hash: inout RouteHash) -> Bool {
        for index in shape.firstHeader..<(shape.firstHeader + shape.headerCount) {
            let header = memory.pointee.headers[Int(index)]
            guard let value = value(of: header) else { return false }
            if header.isExact { hash.add(Self.hash(value, seed: memory.pointee.seed)) }
        }
        return true
    }

    private func value(of header: RouteTableStorage.Header) -> UnsafeRawBufferPointer? {
        var value: UnsafeRawBufferPointer?
        for index in fields.indices where memory.pointee.text(header.name, equals: fields[index].nameBytes) {
            guard header.isExact else { return fields[index].valueBytes }
            guard value == nil else { return nil }
            value = fields[index].valueBytes
        }
        return value
    }

    private func fitsValues(_ pattern: RouteTableStorage.Pattern, _ shape: RouteTableStorage.Shape) -> Bool {
        var offset = Int(pattern.values.offset)
        for index in shape.firstHeader..<(shape.firstHeader + shape.headerCount) {
            let header = memory.pointee.headers[Int(index)]
            guard header.isExact else { continue }
            let count = memory.pointee.bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            offset += 4
            guard let value = value(of: header),
                memory.pointee.text(.init(offset: Int32(offset), count: Int32(count)), equals: value)
            else { return false }
            offset += Int(count)
        }
        return true
    }

    // MARK: Hashes

    static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        var hash = RouteHash(seed: seed)
        hash.add(bytes)
        return hash.state
    }

    static func methodHash(_ rpc: UnsafeRawBufferPointer, of route: Int, seed: UInt64) -> UInt64 {
        var hash = RouteHash(seed: seed)
        hash.add(UInt64(route))
        hash.add(rpc)
        return hash.state
    }

    private mutating func wholeAuthorityHash() -> UInt64 {
        if let authorityHash { return authorityHash }
        let hash = Self.hash(authority, seed: memory.pointee.seed)
        authorityHash = hash
        return hash
    }

    private mutating func wholeServiceHash() -> UInt64 {
        if let serviceHash { return serviceHash }
        let hash = Self.hash(service, seed: memory.pointee.seed)
        serviceHash = hash
        return hash
    }

    private mutating func hashPath() {
        guard segmentCount < 0 else { return }
        segmentCount = Self.hashSegments(path, seed: memory.pointee.seed, into: scratch)
    }

    /// Sets `scratch[n]` to the hash of the path's first n segments, as far as there is room, and returns how many segments
    /// there are, or `scratch.count` where there is no room for all.
    static func hashSegments(
        _ path: UnsafeRawBufferPointer, seed: UInt64, into scratch: UnsafeMutableBufferPointer<UInt64>
    ) -> Int {
        var hash = RouteHash(seed: seed)
        scratch[0] = hash.state
        var segments = 0
        var start = 1
        while start <= path.count {
            guard segments + 1 < scratch.count else { return scratch.count }
            var end = start
            while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
            hash.add(UnsafeRawBufferPointer(rebasing: path[start..<end]))
            segments += 1
            scratch[segments] = hash.state
            start = end + 1
        }
        return segments
    }

    /// The last labels of a host that has more than these; `nil` where it has not.
    static func lastLabels(_ count: Int, of host: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var left = count
        var index = host.count - 1
        while index > 0 {
            if host[index] == UInt8(ascii: ".") {
                left -= 1
                if left == 0 { return UnsafeRawBufferPointer(rebasing: host[(index + 1)...]) }
            }
            index -= 1
        }
        return nil
    }
}

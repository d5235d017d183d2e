import Compression

/// Everything at once, or with room for `room` bytes at a time.
func gzip(_ pieces: [[UInt8]], _ size: Deflater.Size = .large, flush: Deflater.Flush = .more, room: Int = 4096) -> [UInt8] {
    var deflater = Deflater(size)
    var output: [UInt8] = []
    for (index, piece) in (pieces + [[]]).enumerated() {
        var rest = piece[...]
        while true {
            var part = [UInt8](repeating: 0, count: room)
            let step = part.withUnsafeMutableBytes { part in
                rest.withUnsafeBytes { deflater.step($0, into: part, index == pieces.count ? .end : flush) }
            }
            output += part[..<step.written]
            rest = rest.dropFirst(step.consumed)
            if step.isDone { break }
        }
    }
    return output
}

/// What `bytes` stand for, read in pieces; `nil` where they end too early.
func gunzip(
    _ bytes: [UInt8], _ limits: InflateLimits = InflateLimits(outputBytesMax: 1 << 24), pieces: Int = .max, room: Int = 4096
) throws(InflateFailure) -> [UInt8]? {
    var inflater = Inflater(limits)
    return try gunzip(bytes, with: &inflater, pieces: pieces, room: room)
}

func gunzip(
    _ bytes: [UInt8], with inflater: inout Inflater, pieces: Int = .max, room: Int = 4096
) throws(InflateFailure) -> [UInt8]? {
    var output: [UInt8] = []
    let part = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 1)
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer {
        part.deallocate()
        input.deallocate()
    }
    input.copyBytes(from: bytes)
    var start = 0
    while start < bytes.count {
        let end = min(bytes.count, pieces == .max ? .max : start + pieces)
        var rest = UnsafeRawBufferPointer(rebasing: input[start..<end])
        while true {
            let step = try inflater.step(rest, into: part)
            output += part[..<step.written]
            rest = UnsafeRawBufferPointer(rebasing: rest[step.consumed...])
            if rest.isEmpty, step.written < room { break }
        }
        start = end
    }
    return inflater.isAtEnd ? output : nil
}

internal import Glibc

/// Finds the end of a line once, however many pieces the line arrives in.
struct LineScanner {
    /// How much of the unfinished line was already searched.
    private var scanned = 0

    /// The line at `start`, without its CRLF; the next one begins two bytes behind. `nil`: not complete.
    ///
    /// Whether a line is too long is decided before whether it is well ended, so the verdict does not depend on the
    /// pieces. Only CRLF ends a line: RFC 9112, section 2.2 allows a bare LF, and every second reader of the same bytes
    /// accepting others allows request smuggling.
    mutating func next(
        _ input: UnsafeRawBufferPointer, from start: Int, max: Int, tooLong: HTTP1Failure
    ) throws(HTTP1Failure) -> Range<Int>? {
        let from = start + scanned
        precondition(from <= input.count)
        guard from < input.count,
            let found = memchr(input.baseAddress! + from, 0x0A, input.count - from)
        else {
            scanned = input.count - start
            // One byte more than the line may have: it may be the CR.
            if scanned > max + 1 { throw tooLong }
            return nil
        }
        scanned = 0
        let lineFeed = input.baseAddress!.distance(to: UnsafeRawPointer(found))
        let endsWell = lineFeed > start && input[lineFeed - 1] == 0x0D
        let end = endsWell ? lineFeed - 1 : lineFeed
        if end - start > max { throw tooLong }
        guard endsWell else { throw .bareLineFeed }
        return start..<end
    }
}

extension UnsafeRawBufferPointer {
    /// A part of these bytes, its bounds checked in every build.
    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return UnsafeRawBufferPointer(rebasing: self[range])
    }
}

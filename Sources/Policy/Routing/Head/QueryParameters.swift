package import Bytes
internal import Matching

/// The parameters of a query as forms have them: `a=1&b=2`, percent-encoded, with `+` for a space (URL Standard, section 5.1), as
/// transcoding reads them, too. One without `=` has an empty value; a malformed escape stands for itself.
///
/// Read anew for each question: a query is part of a head, whose size is limited.
package struct QueryParameters {
    private let query: BorrowedBytes

    package init(_ query: BorrowedBytes) { self.query = query }

    /// Whether a parameter of this name is what is asked for. Of several it may be any.
    func contains(_ name: BorrowedBytes, _ tests: ValueMatcher.Tests) -> Bool {
        var isThere = false
        let isFound = contains(name) { value in
            isThere = true
            return Self.withDecoded(value) { tests.matches($0) }
        }
        return isFound || !isThere && tests.takesNone
    }

    /// Calls `body` with the decoded value of the first parameter of this name; `nil` where there is none.
    package func withFirst<Result>(_ name: BorrowedBytes, _ body: (BorrowedBytes) -> Result) -> Result? {
        var result: Result?
        _ = contains(name) { value in
            result = Self.withDecoded(value, body)
            return true
        }
        return result
    }

    /// Calls `body` with each parameter, decoded, in their order.
    package func forEach(_ body: (_ name: BorrowedBytes, _ value: BorrowedBytes) -> Void) {
        var rest = query
        while !rest.isEmpty {
            let end = rest.offset(of: UInt8(ascii: "&"))
            let pair = BorrowedBytes(rebasing: rest[..<end])
            rest = BorrowedBytes(rebasing: rest[min(end + 1, rest.count)...])
            guard !pair.isEmpty else { continue }
            let equals = pair.offset(of: UInt8(ascii: "="))
            let value = BorrowedBytes(rebasing: pair[min(equals + 1, pair.count)...])
            Self.withDecoded(BorrowedBytes(rebasing: pair[..<equals])) { name in Self.withDecoded(value) { body(name, $0) } }
        }
    }

    /// Appends the parameters whose decoded names are to be kept, as they were sent and in their order.
    package func append(to buffer: inout ByteBuffer, where keeps: (BorrowedBytes) -> Bool) {
        var isFirst = true
        var start = 0
        while start < query.count {
            let rest = BorrowedBytes(rebasing: query[start...])
            let pair = BorrowedBytes(rebasing: rest[..<rest.offset(of: UInt8(ascii: "&"))])
            start += pair.count + 1
            let name = BorrowedBytes(rebasing: pair[..<pair.offset(of: UInt8(ascii: "="))])
            guard Self.withDecoded(name, keeps) else { continue }
            if !isFirst { buffer.append(byte: UInt8(ascii: "&")) }
            buffer.append(pair)
            isFirst = false
        }
    }

    /// Whether one of the parameters of this name fits, by its value as it was sent.
    private func contains(_ name: BorrowedBytes, where fits: (BorrowedBytes) -> Bool) -> Bool {
        var start = 0
        while start < query.count {
            let rest = BorrowedBytes(rebasing: query[start...])
            let end = rest.offset(of: UInt8(ascii: "&"))
            let pair = BorrowedBytes(rebasing: rest[..<end])
            start += end + 1
            let equals = pair.offset(of: UInt8(ascii: "="))
            guard Self.isSame(BorrowedBytes(rebasing: pair[..<equals]), as: name), !pair.isEmpty else { continue }
            if fits(BorrowedBytes(rebasing: pair[min(equals + 1, pair.count)...])) { return true }
        }
        return false
    }

    private static func isSame(_ encoded: BorrowedBytes, as name: BorrowedBytes) -> Bool {
        // Decoding makes nothing longer, and at best a third of it.
        guard encoded.count >= name.count, encoded.count <= 3 * name.count else { return false }
        return withDecoded(encoded) { $0.equals(name) }
    }

    private static func withDecoded<Result>(_ encoded: BorrowedBytes, _ body: (BorrowedBytes) -> Result) -> Result {
        guard encoded.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else { return body(encoded) }
        return withUnsafeTemporaryAllocation(byteCount: encoded.count, alignment: 1) { decoded in
            var count = 0
            var index = 0
            while index < encoded.count {
                let byte = encoded[index]
                if byte == UInt8(ascii: "%"), let meant = PercentCoding.escape(at: index, in: encoded) {
                    decoded[count] = meant
                    index += 3
                } else {
                    decoded[count] = byte == UInt8(ascii: "+") ? 0x20 : byte
                    index += 1
                }
                count += 1
            }
            return body(BorrowedBytes(rebasing: decoded[..<count]))
        }
    }
}

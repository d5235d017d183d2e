internal import Bytes

extension IPAddress {
    /// The longest text `write(to:)` makes.
    package static var textBytesMax: Int { 39 }

    /// Reads an address that is written alone: no port, brackets, zone or white space.
    ///
    /// IPv4 is four decimal numbers without leading zeros, because some readers take those as octal. IPv6 is the text
    /// of RFC 4291, section 2.2, including a dotted IPv4 tail.
    package init?(_ text: UnsafeRawBufferPointer) {
        if let v4 = Self.readV4(text) {
            self.init(v4: v4)
        } else if let bits = Self.readV6(text) {
            self.init(bits: bits)
        } else {
            return nil
        }
    }

    package init?(_ text: String) {
        var text = text
        guard let address = text.withUTF8({ IPAddress(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = address
    }

    private static func readV4(_ text: UnsafeRawBufferPointer) -> UInt32? {
        guard text.count >= 7, text.count <= 15 else { return nil }
        var address: UInt32 = 0
        var octet: UInt32 = 0
        var digits = 0
        var dots = 0
        for byte in text {
            if byte == UInt8(ascii: ".") {
                guard digits > 0, dots < 3 else { return nil }
                address = address << 8 | octet
                dots += 1
                octet = 0
                digits = 0
            } else {
                guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
                if digits > 0, octet == 0 { return nil }
                octet = octet * 10 + UInt32(byte - UInt8(ascii: "0"))
                digits += 1
                guard octet <= 255 else { return nil }
            }
        }
        guard dots == 3, digits > 0 else { return nil }
        return address << 8 | octet
    }

    private static func readV6(_ text: UnsafeRawBufferPointer) -> UInt128? {
        guard text.count >= 2, text.count <= 45 else { return nil }
        // Groups before "::" gather in `left`, those behind it in `right`.
        var left: UInt128 = 0, right: UInt128 = 0
        var leftGroups = 0, rightGroups = 0
        var compressed = false
        var index = 0
        if text[0] == UInt8(ascii: ":") {
            guard text[1] == UInt8(ascii: ":") else { return nil }
            compressed = true
            index = 2
        }
        while index < text.count {
            guard leftGroups + rightGroups < 8 else { return nil }
            let start = index
            var group: UInt128 = 0
            while index < text.count, let digit = PercentCoding.hexDigit(text[index]) {
                group = group << 4 | UInt128(digit)
                index += 1
            }
            if index < text.count, text[index] == UInt8(ascii: ".") {
                guard leftGroups + rightGroups <= 6,
                    let v4 = readV4(UnsafeRawBufferPointer(rebasing: text[start...]))
                else { return nil }
                if compressed {
                    right = right << 32 | UInt128(v4); rightGroups += 2
                } else {
                    left = left << 32 | UInt128(v4); leftGroups += 2
                }
                index = text.count
                break
            }
            guard index > start, index - start <= 4 else { return nil }
            if compressed { right = right << 16 | group; rightGroups += 1 } else { left = left << 16 | group; leftGroups += 1 }
            guard index < text.count else { break }
            guard text[index] == UInt8(ascii: ":") else { return nil }
            index += 1
            guard index < text.count else { return nil }
            if text[index] == UInt8(ascii: ":") {
                guard !compressed else { return nil }
                compressed = true
                index += 1
            }
        }
        let groups = leftGroups + rightGroups
        // "::" stands for at least one group (RFC 5952, section 4.2.2, says two, but readers accept one).
        guard compressed ? groups <= 7 : groups == 8 else { return nil }
        if leftGroups == 0 { return right }
        return left << UInt128(16 * (8 - leftGroups)) | right
    }

    /// Lends the text of the address, as `write` has it.
    package func withText<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: Self.textBytesMax, alignment: 1) { room in
            body(UnsafeRawBufferPointer(start: room.baseAddress, count: room.baseAddress.map { write(to: $0) } ?? 0))
        }
    }

    /// Writes the address at `target`, at most `textBytesMax` bytes, and returns how many were written.
    ///
    /// IPv4 in dotted decimal, IPv6 in the one canonical form of RFC 5952, section 4.
    package func write(to target: UnsafeMutableRawPointer) -> Int {
        isV4 ? writeV4(to: target) : writeV6(to: target)
    }

    private func writeV4(to target: UnsafeMutableRawPointer) -> Int {
        var count = 0
        for octet in 0..<4 {
            if octet > 0 {
                target.storeBytes(of: UInt8(ascii: "."), toByteOffset: count, as: UInt8.self)
                count += 1
            }
            count += Decimal.write(UInt64(v4 >> UInt32(24 - 8 * octet) & 0xff), to: target + count)
        }
        return count
    }

    private func group(_ index: Int) -> UInt16 { UInt16(truncatingIfNeeded: bits >> UInt128(112 - 16 * index)) }

    private func writeV6(to target: UnsafeMutableRawPointer) -> Int {
        // The first longest run of two or more zero groups becomes "::".
        var zeroStart = 8, zeroCount = 1
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, group(end) == 0 { end += 1 }
            if end - index > zeroCount { zeroStart = index; zeroCount = end - index }
            index = end + 1
        }
        var count = 0
        func put(_ byte: UInt8) {
            target.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
            count += 1
        }
        index = 0
        while index < 8 {
            if index == zeroStart {
                put(UInt8(ascii: ":"))
                put(UInt8(ascii: ":"))
                index += zeroCount
                continue
            }
            if index > 0, index != zeroStart + zeroCount { put(UInt8(ascii: ":")) }
            let value = group(index)
            var shift = 12
            while shift > 0, value >> UInt16(shift) == 0 { shift -= 4 }
            while shift >= 0 {
                let digit = UInt8(truncatingIfNeeded: value >> UInt16(shift) & 0xf)
                put(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
                shift -= 4
            }
            index += 1
        }
        return count
    }
}

extension IPAddress: CustomStringConvertible {
    /// Asked for every connection that is accepted: IPv4 in a String that is short enough to need no memory.
    package var description: String {
        String(unsafeUninitializedCapacity: isV4 ? 15 : Self.textBytesMax) {
            write(to: UnsafeMutableRawPointer($0.baseAddress!))
        }
    }

    /// As IPv6 also where it is IPv4-mapped: `::ffff:10.0.0.1` (RFC 5952, section 5).
    package var textAsV6: String { isV4 ? "::ffff:\(description)" : description }

    /// Whether an address in digits is written as IPv6.
    package static func isV6(_ digits: some StringProtocol) -> Bool { digits.utf8.contains(UInt8(ascii: ":")) }

    /// The shortest form of an address in digits, in the family it is written in; `nil` for anything else.
    package static func canonical(_ digits: some StringProtocol) -> String? {
        let digits = String(digits)
        return IPAddress(digits).map { isV6(digits) ? $0.textAsV6 : $0.description }
    }
}

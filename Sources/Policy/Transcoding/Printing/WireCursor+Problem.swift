internal import Protobuf

/// The cursor's reads with this module's failure.
extension WireCursor {
    @inline(__always)
    mutating func nextTag() throws(Problem) -> UInt32 {
        do throws(WireFailure) { return try tag() } catch { throw Problem(error) }
    }

    @inline(__always)
    mutating func nextVarint() throws(Problem) -> UInt64 {
        do throws(WireFailure) { return try varint() } catch { throw Problem(error) }
    }

    @inline(__always)
    mutating func nextFixed32() throws(Problem) -> UInt32 {
        do throws(WireFailure) { return try fixed32() } catch { throw Problem(error) }
    }

    @inline(__always)
    mutating func nextFixed64() throws(Problem) -> UInt64 {
        do throws(WireFailure) { return try fixed64() } catch { throw Problem(error) }
    }

    @inline(__always)
    mutating func nextBytes() throws(Problem) -> UnsafeRawBufferPointer {
        do throws(WireFailure) { return try bytes() } catch { throw Problem(error) }
    }

    mutating func nextGroup(_ number: UInt32) throws(Problem) -> UnsafeRawBufferPointer {
        do throws(WireFailure) { return try group(number) } catch { throw Problem(error) }
    }

    mutating func pass(_ tag: UInt32) throws(Problem) {
        do throws(WireFailure) { try skip(tag) } catch { throw Problem(error) }
    }
}

extension Problem {
    init(_ failure: WireFailure) { self = failure == .nestedTooDeep ? .tooDeep : .badWire }
}

import Bytes
import Messages
import Random
import SwiftProtobuf
import Testing

@testable import GRPC

private typealias Response = Envoy_Service_Ratelimit_V3_RateLimitResponse

@Suite struct RateLimitResponseTests {
    @Test("what is read by hand is what the generated message reads")
    func equality() throws {
        var generator = RandomGenerator(seed: 3)
        for _ in 0..<500 {
            let response = random(&generator)
            let bytes: [UInt8] = try response.serializedBytes()
            try bytes.withUnsafeBytes { expectEqual(try RateLimitResponse($0), response) }
        }
    }

    @Test("cut or changed anywhere, it is refused where the generated message refuses, and never crashes")
    func mutations() throws {
        var generator = RandomGenerator(seed: 4)
        for _ in 0..<40 {
            let whole: [UInt8] = try random(&generator).serializedBytes()
            for _ in 0..<60 where !whole.isEmpty {
                var bytes = whole
                if Bool.random(using: &generator) { bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator)) }
                for _ in 0..<Int.random(in: 0...2, using: &generator) where !bytes.isEmpty {
                    bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8(truncatingIfNeeded: generator.next())
                }
                guard let generated = try? Response(serializedBytes: bytes) else { continue }
                // Both accept, or only the hand-written one is stricter; where it accepts, they agree.
                bytes.withUnsafeBytes { bytes in
                    if let response = try? RateLimitResponse(bytes) { expectEqual(response, generated) }
                }
            }
        }
    }

    @Test("fields that are not known are passed over, in the message and in its parts")
    func unknownFields() throws {
        let unknown: [UInt8] = [0xA0, 0x06, 0x01, 0xAA, 0x06, 0x01, 0x00]  // 100: varint; 101: bytes
        let limit: [UInt8] = [0x08, 10, 0x10, 2] + unknown
        let status: [UInt8] = [0x08, 2, 0x12, UInt8(limit.count)] + limit + unknown
        let message: [UInt8] = unknown + [0x08, 2, 0x12, UInt8(status.count)] + status + [0x2A, 1, 0x58]
        try message.withUnsafeBytes { bytes in
            let response = try RateLimitResponse(bytes)
            #expect(response.overallCode == .overLimit)
            #expect(response.statusCount == 1)
            response.forEachStatus { status in
                #expect(status.currentLimit?.requestsPerUnit == Untrusted(10))
                #expect(status.currentLimit?.unit == .minute)
            }
        }
    }

    @Test("codes and units that are not known are unknown")
    func unknownValues() throws {
        let message: [UInt8] = [0x08, 9, 0x12, 6, 0x08, 7, 0x12, 2, 0x10, 99]
        try message.withUnsafeBytes { bytes in
            let response = try RateLimitResponse(bytes)
            #expect(response.overallCode == .unknown)
            response.forEachStatus { status in
                #expect(status.code == .unknown)
                #expect(status.currentLimit?.unit == .unknown)
            }
        }
    }

    @Test("a limit that comes in two pieces is merged")
    func merged() throws {
        let message: [UInt8] = [0x12, 8, 0x12, 2, 0x08, 10, 0x12, 2, 0x10, 3]
        try message.withUnsafeBytes { bytes in
            try RateLimitResponse(bytes).forEachStatus { status in
                #expect(status.currentLimit?.requestsPerUnit == Untrusted(10))
                #expect(status.currentLimit?.unit == .hour)
            }
        }
    }

    @Test(
        "malformed parts are refused at once, not when they are walked",
        arguments: [
            ([0x12, 2, 0x08], WireReader.Failure.truncated), ([0x12, 1, 0x08], .truncated), ([0x12, 3, 0x12, 1, 0x08], .truncated),
            ([0x12, 4, 0x22, 2, 0x08, 0x80], .truncated), ([0x1A, 3, 0x0A, 1, 0xFF], .textNotUTF8),
            ([0x12, 5, 0x12, 3, 0x1A, 1, 0xFF], .textNotUTF8), ([0x12, 1, 0x00], .badTag), ([0x0B], .groupNotClosed),
        ] as [([UInt8], WireReader.Failure)])
    func malformed(bytes: [UInt8], failure: WireReader.Failure) {
        _ = bytes.withUnsafeBytes { bytes in
            #expect(throws: failure) { try RateLimitResponse(bytes).statusCount }
        }
    }

    @Test("an empty message decides nothing")
    func empty() throws {
        let response = try RateLimitResponse(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(response.overallCode == .unknown)
        #expect(response.statusCount == 0)
    }

    @Test(
        "durations are nanoseconds and never negative; those out of range are no answer",
        arguments: [
            (Int64(1), Int32(500), UInt64(1_000_000_500)), (0, 0, 0), (-5, 0, 0), (1, -1, 999_999_999), (0, -1, 0),
            (-315_576_000_000, 0, 0), (9_223_372_036, 854_775_807, UInt64(Int64.max)),
            (9_223_372_036, 854_775_808, nil), (9_223_372_037, 0, nil), (18_446_744_073, 0, nil), (18_446_744_074, 0, nil),
            (-315_576_000_001, 0, nil), (.max, 999_999_999, nil), (.min, 0, nil), (0, 1_000_000_000, nil), (0, .min, nil),
        ] as [(Int64, Int32, UInt64?)])
    func durations(seconds: Int64, nanos: Int32, nanoseconds: UInt64?) throws {
        let response = Response.with {
            $0.statuses = [
                .with {
                    $0.durationUntilReset = .with {
                        $0.seconds = seconds; $0.nanos = nanos
                    }
                }
            ]
        }
        let bytes: [UInt8] = try response.serializedBytes()
        guard let nanoseconds else {
            _ = bytes.withUnsafeBytes { bytes in
                #expect(throws: WireReader.Failure.numberOutOfRange) { try RateLimitResponse(bytes).statusCount }
            }
            return
        }
        try bytes.withUnsafeBytes { bytes in
            try RateLimitResponse(bytes).forEachStatus { #expect($0.nanosecondsUntilReset == nanoseconds) }
        }
    }

    // MARK: comparing

    private func expectEqual(_ read: RateLimitResponse, _ generated: Response) {
        #expect(read.overallCode.rawValue == code(generated.overallCode))
        #expect(read.statusCount == generated.statuses.count)
        var index = 0
        read.forEachStatus { status in
            let other = generated.statuses[index]
            #expect(status.code.rawValue == code(other.code))
            #expect((status.currentLimit != nil) == other.hasCurrentLimit)
            if let limit = status.currentLimit {
                #expect(limit.requestsPerUnit == Untrusted(other.currentLimit.requestsPerUnit))
                let unit = other.currentLimit.unit.rawValue
                #expect(Int(limit.unit.rawValue) == ((0...7).contains(unit) ? unit : 0))
                #expect(Array(limit.name) == Array(other.currentLimit.name.utf8))
            }
            #expect(status.limitRemaining == Untrusted(other.limitRemaining))
            #expect((status.nanosecondsUntilReset != nil) == other.hasDurationUntilReset)
            index += 1
        }
    }

    private func code(_ code: Response.Code) -> UInt8 {
        switch code {
        case .ok: 1
        case .overLimit: 2
        default: 0
        }
    }

    private func random(_ generator: inout RandomGenerator) -> Response {
        var response = Response()
        response.overallCode = .init(rawValue: Int.random(in: 0...3, using: &generator))!
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            var status = Response.DescriptorStatus()
            status.code = .init(rawValue: Int.random(in: 0...3, using: &generator))!
            if Bool.random(using: &generator) {
                status.currentLimit = .with {
                    $0.requestsPerUnit = number(&generator)
                    $0.unit = .init(rawValue: Int.random(in: 0...9, using: &generator))!
                    $0.name = text(&generator)
                }
            }
            status.limitRemaining = number(&generator)
            if Bool.random(using: &generator) {
                status.durationUntilReset = .with {
                    $0.seconds = Int64(number(&generator))
                    $0.nanos = Int32.random(in: 0..<1_000_000_000, using: &generator)
                }
            }
            if Bool.random(using: &generator) { status.quota = .with { $0.requests = number(&generator) } }
            response.statuses.append(status)
        }
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            response.responseHeadersToAdd.append(
                .with {
                    $0.key = text(&generator)
                    $0.value = text(&generator)
                    if Bool.random(using: &generator) { $0.rawValue.append(contentsOf: Array(text(&generator).utf8)) }
                })
        }
        if Bool.random(using: &generator) {
            response.requestHeadersToAdd = [
                .with {
                    $0.key = "a"; $0.value = "b"
                }
            ]
        }
        if Bool.random(using: &generator) { response.rawBody.append(contentsOf: [1, 2, 3]) }
        return response
    }
}

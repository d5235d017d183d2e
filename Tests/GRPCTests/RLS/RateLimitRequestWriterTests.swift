import Bytes
import Messages
import Random
import SwiftProtobuf
import Testing

@testable import GRPC

private typealias Request = Envoy_Service_Ratelimit_V3_RateLimitRequest
private typealias Descriptor = Envoy_Extensions_Common_Ratelimit_V3_RateLimitDescriptor

@Suite struct RateLimitRequestWriterTests {
    @Test("what is written by hand is what the generated message writes, byte for byte")
    func equality() throws {
        var generator = RandomGenerator(seed: 2)
        for _ in 0..<500 {
            let request = random(&generator)
            var buffer = ByteBuffer(capacity: 16)
            write(request, into: &buffer)
            #expect(buffer.array == (try request.serializedBytes()))
            #expect(try Request(serializedBytes: buffer.array) == request)
        }
    }

    @Test("the longest entries do not disturb the lengths around them", arguments: [100, 127, 128, 16_384])
    func long(count: Int) throws {
        let request = Request.with {
            $0.domain = "martlet"
            $0.descriptors = [
                .with {
                    $0.entries = [
                        .with {
                            $0.key = "tenant"; $0.value = String(repeating: "v", count: count)
                        }
                    ]
                },
                .with { $0.entries = [.with { $0.key = "limit" }] },
            ]
        }
        var buffer = ByteBuffer(capacity: 16)
        write(request, into: &buffer)
        #expect(buffer.array == (try request.serializedBytes()))
    }

    private func write(_ request: Request, into buffer: inout ByteBuffer) {
        withBytes(request.domain) { RateLimitRequestWriter.domain($0, into: &buffer) }
        for descriptor in request.descriptors {
            let place = RateLimitRequestWriter.beginDescriptor(in: &buffer)
            for entry in descriptor.entries {
                withBytes(entry.key) { key in
                    withBytes(entry.value) { RateLimitRequestWriter.entry(key: key, value: $0, into: &buffer) }
                }
            }
            if descriptor.hasLimit {
                RateLimitRequestWriter.override(
                    requestsPerUnit: descriptor.limit.requestsPerUnit,
                    unit: RateLimitUnit(rawValue: UInt8(descriptor.limit.unit.rawValue))!, into: &buffer)
            }
            if descriptor.hasHitsAddend {
                RateLimitRequestWriter.descriptorHitsAddend(descriptor.hitsAddend.value, into: &buffer)
            }
            RateLimitRequestWriter.endDescriptor(place, in: &buffer)
        }
        RateLimitRequestWriter.hitsAddend(request.hitsAddend, into: &buffer)
    }

    private func random(_ generator: inout RandomGenerator) -> Request {
        var request = Request()
        request.domain = text(&generator)
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            var descriptor = Descriptor()
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                descriptor.entries.append(
                    .with {
                        $0.key = text(&generator); $0.value = text(&generator)
                    })
            }
            if Bool.random(using: &generator) {
                descriptor.limit = .with {
                    $0.requestsPerUnit = number(&generator)
                    $0.unit = .init(rawValue: Int.random(in: 0...6, using: &generator))!
                }
            }
            if Bool.random(using: &generator) { descriptor.hitsAddend = .with { $0.value = generator.next() } }
            if Int.random(in: 0...9, using: &generator) == 0 { descriptor.hitsAddend = .init() }
            request.descriptors.append(descriptor)
        }
        request.hitsAddend = number(&generator)
        return request
    }
}

/// Mostly short, sometimes empty, sometimes long enough for a length of two bytes.
func text(_ generator: inout RandomGenerator) -> String {
    let count = [0, 1, 5, 20, 130].randomElement(using: &generator)!
    return String((0..<count).map { _ in "aZ9.é😀".randomElement(using: &generator)! })
}

func number(_ generator: inout RandomGenerator) -> UInt32 {
    [0, 1, 127, 128, UInt32.max, UInt32(truncatingIfNeeded: generator.next())].randomElement(using: &generator)!
}

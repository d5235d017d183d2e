import Bytes
import GRPC
import Messages
import SwiftProtobuf
import Testing

@testable import RateLimitService

struct LimitQueryTests {
    private typealias Request = Envoy_Service_Ratelimit_V3_RateLimitRequest

    private func failure(_ bytes: [UInt8]) -> LimitQuery.Failure? {
        bytes.withUnsafeBytes { bytes -> LimitQuery.Failure? in
            var query = LimitQuery()
            do throws(LimitQuery.Failure) {
                try query.read(bytes)
                return nil
            } catch {
                return error
            }
        }
    }

    private func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

    private var full: Request {
        var request = Request()
        request.domain = "edge"
        request.hitsAddend = 4
        for number in 0..<3 {
            var descriptor = Envoy_Extensions_Common_Ratelimit_V3_RateLimitDescriptor()
            for depth in 0...number {
                var entry = Envoy_Extensions_Common_Ratelimit_V3_RateLimitDescriptor.Entry()
                entry.key = "key\(depth)"
                entry.value = depth == 1 ? "" : "größe\(number)"
                descriptor.entries.append(entry)
            }
            if number == 1 {
                descriptor.limit.requestsPerUnit = 77
                descriptor.limit.unit = .hour
            }
            if number == 2 { descriptor.hitsAddend = Google_Protobuf_UInt64Value(0) }
            request.descriptors.append(descriptor)
        }
        return request
    }

    @Test("reads what the generated message wrote")
    func agrees() throws {
        let request = full
        let bytes: [UInt8] = try request.serializedBytes()
        var query = LimitQuery()
        // Twice: nothing of the first reading stays.
        for _ in 0..<2 {
            try bytes.withUnsafeBytes { bytes in
                try query.read(bytes)
                #expect(text(query.domain) == "edge")
                #expect(query.descriptors.count == 3)
                for (read, written) in zip(query.descriptors, request.descriptors) {
                    let entries = query.entries[read.entries]
                    #expect(entries.map { text($0.key) } == written.entries.map(\.key))
                    #expect(entries.map { text($0.value) } == written.entries.map(\.value))
                }
                #expect(query.descriptors.map { query.hits(of: $0).exactly(as: Int.self) } == [4, 4, 0])
                #expect(query.descriptors[0].override == nil)
                #expect(query.descriptors[1].override == LimitQuery.Override(requests: Untrusted(77), unit: .hour))
            }
        }
    }

    @Test("without an addend a request counts one")
    func defaultHits() throws {
        var request = full
        request.hitsAddend = 0
        var query = LimitQuery()
        try (try request.serializedBytes() as [UInt8]).withUnsafeBytes { bytes in
            try query.read(bytes)
            #expect(query.hits(of: query.descriptors[0]) == Untrusted(1))
        }
    }

    @Test("what a request must have is asked for")
    func required() throws {
        var request = full
        request.domain = ""
        #expect(failure(try request.serializedBytes()) == .noDomain)
        request = full
        request.descriptors = []
        #expect(failure(try request.serializedBytes()) == .noDescriptors)
        request = full
        request.descriptors[2].entries[1].key = ""
        #expect(failure(try request.serializedBytes()) == .emptyKey)
        request = full
        request.descriptors[0].limit.requestsPerUnit = 5
        #expect(failure(try request.serializedBytes()) == .overrideWithoutUnit)
        #expect(failure([]) == .noDomain)
    }

    @Test("as many descriptors and entries as are allowed, and no more")
    func limits() throws {
        var request = full
        request.descriptors = Array(repeating: full.descriptors[0], count: LimitQuery.descriptorsMax)
        #expect(failure(try request.serializedBytes()) == nil)
        request.descriptors.append(full.descriptors[0])
        #expect(failure(try request.serializedBytes()) == .tooMuch)
        request.descriptors = [full.descriptors[0]]
        request.descriptors[0].entries = Array(repeating: full.descriptors[0].entries[0], count: LimitQuery.entriesMax)
        #expect(failure(try request.serializedBytes()) == nil)
        request.descriptors[0].entries.append(full.descriptors[0].entries[0])
        #expect(failure(try request.serializedBytes()) == .tooMuch)
    }

    @Test("no cut and no changed byte of a request does harm")
    func damaged() throws {
        let bytes: [UInt8] = try full.serializedBytes()
        for count in 0..<bytes.count { _ = failure(Array(bytes[..<count])) }
        for index in bytes.indices {
            for value in [0, 0x7F, 0x80, 0xFF] as [UInt8] {
                var damaged = bytes
                damaged[index] = value
                _ = failure(damaged)
            }
        }
        #expect(failure(bytes) == nil)
        #expect(failure([0x0A, 0x02, 0xC3, 0x28]) == .malformed(.textNotUTF8))
        #expect(failure([0x12, 0x05, 0x00]) == .malformed(.truncated))
    }
}

import Random
import Testing

@testable import Telemetry

private func parse(_ text: String) -> TraceContext? {
    var text = text
    return text.withUTF8 { TraceContext(parsing: UnsafeRawBufferPointer($0)) }
}

private func written(_ context: TraceContext) -> String {
    String(unsafeUninitializedCapacity: TraceContext.headerBytes) {
        context.write(to: $0.baseAddress!)
        return TraceContext.headerBytes
    }
}

@Suite struct TraceContextTests {
    static let example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test("a traceparent reads and writes as it came")
    func roundTrip() throws {
        let context = try #require(parse(Self.example))
        #expect(context.traceHigh == 0x4bf9_2f35_77b3_4da6)
        #expect(context.traceLow == 0xa3ce_929d_0e0e_4736)
        #expect(context.span == 0x00f0_67aa_0ba9_02b7)
        #expect(context.isSampled)
        #expect(written(context) == Self.example)
    }

    @Test("a later version is read as far as it is known, and answered in version 00")
    func laterVersion() throws {
        let context = try #require(parse("cc" + Self.example.dropFirst(2).dropLast(2) + "ff-what-the-future-will-be"))
        #expect(written(context) == Self.example)
        #expect(parse("cc" + Self.example.dropFirst(2)) != nil)
    }

    @Test(
        "what is not a traceparent is as if it were not there",
        arguments: [
            "", "00", String(example.dropLast()), example + "-", example + "0", "ff" + example.dropFirst(2),
            "cc" + example.dropFirst(2) + "x", example.uppercased(), "0x" + example.dropFirst(2),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
        ])
    func malformed(_ text: String) { #expect(parse(text) == nil) }

    @Test("a child keeps the trace and its flags and changes the span")
    func child() throws {
        var random = RandomGenerator(seed: (1, 2, 3, 4))
        let context = try #require(parse(Self.example))
        let child = context.child(&random)
        #expect(child.traceHigh == context.traceHigh)
        #expect(child.traceLow == context.traceLow)
        #expect(child.flags == context.flags)
        #expect(child.span != context.span)
        #expect(parse(written(child)) == child)
    }

    @Test("new traces and request ids differ, and a seed of zeros still gives numbers")
    func generation() {
        var random = RandomGenerator(seed: (0, 0, 0, 0))
        var seen: Set<String> = []
        for _ in 0..<1000 {
            let context = TraceContext(startingWith: &random, sampled: true)
            #expect(context.isSampled)
            #expect(parse(written(context)) == context)
            seen.insert(written(context))
            seen.insert(
                String(unsafeUninitializedCapacity: RequestID.bytes) {
                    RequestID.write(&random, to: $0.baseAddress!)
                    return RequestID.bytes
                })
        }
        #expect(seen.count == 2000)
    }

    @Test("xoshiro256++ gives the reference's numbers")
    func reference() {
        var random = RandomGenerator(seed: (1, 2, 3, 4))
        #expect([random.next(), random.next(), random.next()] == [41_943_041, 58_720_359, 3_588_806_011_781_223])
    }

    @Test("a trusted caller's request id is kept if it is short and plain")
    func acceptable() {
        func isAcceptable(_ text: String) -> Bool {
            var text = text
            return text.withUTF8 { RequestID.isAcceptable(UnsafeRawBufferPointer($0)) }
        }
        #expect(isAcceptable("9b1d-4c_A.b:c=+/"))
        #expect(isAcceptable(String(repeating: "a", count: 128)))
        for text in ["", String(repeating: "a", count: 129), "a b", "a\"", "a,b", "ä"] { #expect(!isAcceptable(text)) }
    }
}

import Random
import Testing

@testable import GRPC

@Suite struct GRPCTimeoutTests {
    private func parse(_ text: String) -> Duration? { withBytes(text) { GRPCTimeout($0)?.duration } }

    private func write(_ duration: Duration) -> String {
        withUnsafeTemporaryAllocation(byteCount: GRPCTimeout.textBytesMax, alignment: 1) { target in
            let count = GRPCTimeout.write(duration, to: target.baseAddress!)
            #expect(count <= GRPCTimeout.textBytesMax)
            return String(decoding: target[..<count], as: UTF8.self)
        }
    }

    @Test(
        "digits and a unit are a duration",
        arguments: [
            ("1H", Duration.seconds(3600)), ("2M", .seconds(120)), ("3S", .seconds(3)), ("4m", .milliseconds(4)),
            ("5u", .microseconds(5)), ("6n", .nanoseconds(6)), ("0n", .zero), ("00000001S", .seconds(1)),
            ("99999999n", .nanoseconds(99_999_999)), ("99999999H", .seconds(99_999_999 * 3600)),
        ])
    func valid(text: String, duration: Duration) {
        #expect(parse(text) == duration)
    }

    @Test(
        "anything else is none",
        arguments: [
            "", "S", "1", "123456789S", "000000001S", "1s", "1h", "1 S", " 1S", "1S ", "-1S", "+1S", "1.5S", "1SS", "S1", "1ms",
            "0x1S",
        ])
    func invalid(text: String) {
        #expect(parse(text) == nil)
    }

    @Test(
        "what is left is written in the finest unit of eight digits, rounded up",
        arguments: [
            (Duration.nanoseconds(1), "1n"), (.nanoseconds(99_999_999), "99999999n"), (.nanoseconds(100_000_000), "100000u"),
            (.nanoseconds(100_000_001), "100001u"), (.seconds(1), "1000000u"), (.microseconds(99_999_999), "99999999u"),
            (.nanoseconds(99_999_999_001), "100000m"), (.milliseconds(99_999_999), "99999999m"),
            (.milliseconds(100_000_000), "100000S"), (.seconds(99_999_999), "99999999S"), (.seconds(100_000_000), "1666667M"),
            (.seconds(5_999_999_940), "99999999M"),
            (.seconds(5_999_999_941), "1666667H"),
        ])
    func written(duration: Duration, text: String) {
        #expect(write(duration) == text)
    }

    @Test(
        "time that is up is written as one nanosecond, because zero is not in the grammar",
        arguments: [
            Duration.zero, .seconds(-1), .seconds(Int64.min / 4),
        ])
    func up(duration: Duration) {
        #expect(write(duration) == "1n")
    }

    @Test("the longest durations fit")
    func longest() {
        #expect(write(.nanoseconds(Int64.max)) == "2562048H")
        #expect(write(.seconds(Int64.max)) == "2562048H")
    }

    @Test("what is written reads back as no less, and at most a hundred-thousandth more")
    func roundTrip() throws {
        var generator = RandomGenerator(seed: 7)
        for _ in 0..<2000 {
            let nanoseconds = Int64(generator.next() >> UInt64.random(in: 1...62, using: &generator))
            guard nanoseconds > 0 else { continue }
            let read = try #require(parse(write(.nanoseconds(nanoseconds))))
            #expect(read >= .nanoseconds(nanoseconds))
            // A coarser unit is taken at 100,000 of it or more, and rounding adds less than one.
            #expect(read - .nanoseconds(nanoseconds) <= .nanoseconds(nanoseconds / 100_000 + 1))
        }
    }
}

internal import Bytes
internal import Time

extension TimeText {
    /// As a message holds them, which may be anything.
    typealias UntrustedParts = (seconds: Untrusted<Int64>, nanoseconds: Untrusted<Int32>)

    /// `false` where the parts are no time between the years 1 and 9999.
    static func write(timestamp: UntrustedParts, to output: inout Output) -> Bool {
        guard let seconds = timestamp.seconds.exactly(in: timestampSeconds),
            let nanoseconds = timestamp.nanoseconds.exactly(in: 0...999_999_999)
        else { return false }
        let shifted = seconds - timestampSeconds.lowerBound
        let firstDay = Int(timestampSeconds.lowerBound / 86_400)
        let (year, month, day) = CivilDate.date(ofDay: firstDay + Int(shifted / 86_400))
        let rest = Int(shifted % 86_400)
        output.reserve(32)
        pair(year / 100, &output)
        pair(year % 100, &output)
        output.byte(UInt8(ascii: "-"))
        pair(month, &output)
        output.byte(UInt8(ascii: "-"))
        pair(day, &output)
        output.byte(UInt8(ascii: "T"))
        pair(rest / 3600, &output)
        output.byte(UInt8(ascii: ":"))
        pair(rest / 60 % 60, &output)
        output.byte(UInt8(ascii: ":"))
        pair(rest % 60, &output)
        write(fraction: nanoseconds.magnitude, to: &output)
        output.byte(UInt8(ascii: "Z"))
        return true
    }

    /// `false` where the parts are over ten thousand years or of two signs.
    static func write(duration: UntrustedParts, to output: inout Output) -> Bool {
        guard let seconds = duration.seconds.exactly(in: durationSeconds),
            let nanoseconds = duration.nanoseconds.exactly(in: -999_999_999...999_999_999)
        else { return false }
        if seconds < 0, nanoseconds > 0 { return false }
        if seconds > 0, nanoseconds < 0 { return false }
        if seconds < 0 || nanoseconds < 0 { output.byte(UInt8(ascii: "-")) }
        DigitText.write(seconds.magnitude, to: &output)
        write(fraction: nanoseconds.magnitude, to: &output)
        output.byte(UInt8(ascii: "s"))
        return true
    }

    private static func pair(_ value: Int, _ output: inout Output) {
        output.byte(UInt8(0x30 + value / 10))
        output.byte(UInt8(0x30 + value % 10))
    }

    /// None, three, six or nine decimals.
    private static func write(fraction nanoseconds: UInt32, to output: inout Output) {
        guard nanoseconds > 0 else { return }
        output.byte(UInt8(ascii: "."))
        let decimals = nanoseconds % 1_000_000 == 0 ? 3 : nanoseconds % 1000 == 0 ? 6 : 9
        var scale: UInt32 = 100_000_000
        for _ in 0..<decimals {
            output.byte(UInt8(0x30 + nanoseconds / scale % 10))
            scale /= 10
        }
    }
}

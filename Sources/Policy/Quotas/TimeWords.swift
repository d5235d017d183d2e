package import Time

/// Seconds of wall time as RFC 3339 writes them, in UTC.
package enum TimeWords {
    package static func text(_ second: Int64) -> String {
        let day = Int((Double(second) / 86_400).rounded(.down))
        let rest = Int(second) - day * 86_400
        let date = CivilDate.date(ofDay: day)
        return
            "\(padded(date.year, 4))-\(padded(date.month))-\(padded(date.day))T\(padded(rest / 3600)):\(padded(rest / 60 % 60)):\(padded(rest % 60))Z"
    }

    private static func padded(_ number: Int, _ digits: Int = 2) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}

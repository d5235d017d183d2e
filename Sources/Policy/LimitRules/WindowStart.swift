/// Where the windows of a limit begin, if not at midnight, on Monday or on the first, in UTC.
package enum WindowStart: Equatable, Sendable, CustomStringConvertible {
    /// In minutes since midnight: of windows of days.
    case timeOfDay(Int)
    /// From Monday, which is 0: of windows of weeks.
    case weekday(Int)
    /// From 1; a month that lacks the day has its window begin on its last: of windows of months.
    case dayOfMonth(Int)

    static let weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

    /// Reads `06:00`, `monday` or `15`; `nil` for any other text.
    package init?(parsing text: String) {
        if let weekday = Self.weekdays.firstIndex(of: text.lowercased()) {
            self = .weekday(weekday)
            return
        }
        let digits = text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 || $0 == 0x3a }
        guard digits else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1:
            guard let day = Int(parts[0]), (1...31).contains(day) else { return nil }
            self = .dayOfMonth(day)
        case 2:
            guard parts[0].utf8.count <= 2, parts[1].utf8.count == 2, let hour = Int(parts[0]), let minute = Int(parts[1]),
                hour < 24, minute < 60
            else { return nil }
            self = .timeOfDay(hour * 60 + minute)
        default: return nil
        }
    }

    package var description: String {
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return switch self {
        case .timeOfDay(let minute): "\(padded(minute / 60)):\(padded(minute % 60))"
        case .weekday(let number): Self.weekdays[number]
        case .dayOfMonth(let day): "\(day)"
        }
    }

    /// Of windows of which unit it is.
    var unit: LimitWindow.Unit {
        switch self {
        case .timeOfDay: .day
        case .weekday: .week
        case .dayOfMonth: .month
        }
    }
}

extension LimitWindow.Unit {
    /// What `starts` may be; `nil` where the unit has none.
    var startExpected: String? {
        switch self {
        case .day: "a time such as 06:00"
        case .week: "a day such as monday"
        case .month: "a day from 1 to 31"
        case .second, .minute, .hour: nil
        }
    }
}

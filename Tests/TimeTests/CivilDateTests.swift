import Testing

@testable import Time

@Suite("Dates and the days between them")
struct CivilDateTests {
    @Test("every day of the years 1 to 9999 is the day after the one before, and is counted so")
    func everyDay() {
        var expected = CivilDate.dayNumber(1, 1, 1)
        #expect(expected == -719_162)
        for year in 1...9999 {
            for month in 1...12 {
                let days = CivilDate.daysIn(month, of: year)
                // A month's first and last day hold the ones between.
                for day in [1, days] {
                    let number = expected + day - 1
                    let date = CivilDate.date(ofDay: number)
                    #expect(CivilDate.dayNumber(year, month, day) == number)
                    #expect(date.year == year && date.month == month && date.day == day)
                }
                expected += days
            }
        }
        #expect(CivilDate.date(ofDay: 0) == (1970, 1, 1))
    }
}

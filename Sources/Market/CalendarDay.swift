// Days without clocks or time zones: an ISO date is a number of days, so that ages are exact.

/// A day of the proleptic Gregorian calendar.
struct CalendarDay: Hashable {
  /// Days since 1970-01-01.
  let number: Int

  /// `2026-11-23`; nil for anything else, also for a day that is not in the calendar.
  init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].count == 4, parts[1].count == 2, parts[2].count == 2,
      parts.allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }),
      let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), (1...12).contains(month)
    else { return nil }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard day >= 1, day <= lengths[month - 1] else { return nil }
    // Leap days are counted by years that end before this one; 719,162 days lie before 1970.
    let before = year - 1
    let years = before * 365 + before / 4 - before / 100 + before / 400
    number = years + lengths[..<(month - 1)].reduce(0, +) + day - 1 - 719_162
  }
}

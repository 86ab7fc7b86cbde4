import ExperimentModel

/// Series for lessons on history and on alarms: what a nightly benchmark found, and what a service showed minute by
/// minute. Integers and products only: a seed gives the same series on every machine.
public enum SeededSeries: String, CaseIterable, Sendable {
  /// One value a night with a step of +6 % after two thirds: `date,value,commit`, as an observe block reads it.
  case nightly
  /// A row a minute with the shape of a day, and an incident of 20 minutes somewhere in each day.
  case latency

  public var title: String {
    switch self {
    case .nightly: "a benchmark's time in µs every night, 2 % noise, +6 % after two thirds of them"
    case .latency: "requests and p99 in µs every minute, with the shape of a day and one incident of 20 minutes in each"
    }
  }

  public var columns: [String] {
    switch self {
    case .nightly: ["date", "value", "commit"]
    case .latency: ["at", "requests", "p99_us", "incident"]
    }
  }

  /// - Parameters:
  ///   - row: from 1.
  ///   - count: of all rows.
  func values(_ row: Int, of count: Int, seed: UInt64) -> [ColumnValue] {
    func unit(_ place: Int, _ use: UInt64) -> Double {
      Double(mix64((seed ^ fnv1a(rawValue)) &+ (UInt64(place) &* 16 &+ use) &* 0x9E37_79B9_7F4A_7C15) >> 11) * 0x1p-53
    }
    /// Mean 0, standard deviation 1: the sum of twelve uniform numbers, which needs no logarithm.
    func noise() -> Double { (0..<12).reduce(-6.0) { sum, use in sum + unit(row, UInt64(use)) } }
    switch self {
    case .nightly:
      let level = 18_500 * (row > count * 2 / 3 ? 1.06 : 1)
      let commit = String(mix64(seed &+ UInt64(row)) >> 36, radix: 16)
      return [
        .text(calendarDate(20_454 + row - 1)), .integer(Int64(level * (1 + 0.02 * noise()))),
        .text(String(repeating: "0", count: max(0, 7 - commit.count)) + commit),
      ]
    case .latency:
      let (day, minute) = ((row - 1) / 1440, (row - 1) % 1440)
      // A parabola with its top at 20:00; 0 at 8:00.
      let fromPeak = Double(min((minute + 240) % 1440, 1440 - (minute + 240) % 1440)) / 720
      let share = 1 - fromPeak * fromPeak
      let start = Int(unit(day, 13) * 1420)
      let isIncident = minute >= start && minute < start + 20
      let factor = isIncident ? 1.4 + 1.6 * unit(day, 14) : 1
      return [
        .integer(1_767_225_600 + Int64(row - 1) * 60), .integer(Int64((300 + 600 * share) * 60 * (1 + 0.02 * noise()))),
        .integer(Int64(20_000 * (1 + 0.5 * share) * factor * (1 + 0.05 * noise()))), .integer(isIncident ? 1 : 0),
      ]
    }
  }
}

/// `2026-01-01` for 20 454 days after 1970-01-01, in the Gregorian calendar.
func calendarDate(_ days: Int) -> String {
  var (year, rest) = (1970, days)
  func length(_ year: Int) -> Int { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365 }
  while rest >= length(year) { rest -= length(year); year += 1 }
  let months = [31, length(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  var month = 0
  while rest >= months[month] { rest -= months[month]; month += 1 }
  func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
  return "\(year)-\(two(month + 1))-\(two(rest + 1))"
}

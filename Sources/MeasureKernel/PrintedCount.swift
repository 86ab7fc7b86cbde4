// What a program tells of itself in what it prints, as numbers: how often it collected its heap, how long that took. nb reads
// them and vouches for no more than that the program said so.

import ExperimentModel

/// An expression that looks for one metric in the output of each run.
final class PrintedCounter {
  let count: PrintedCount
  /// Some run has printed something that it matches.
  private(set) var hasMatched = false
  private let name: String
  private let unit: MetricUnit
  private let regex: Regex<AnyRegexOutput>

  /// - Throws: when it is no regular expression, or its metric is not one.
  init(_ count: PrintedCount, of name: String) throws(MeasureError) {
    guard let unit = Metric.named(count.metric)?.unit, let regex = try? Regex(count.pattern) else {
      throw MeasureError("subject \(name): `\(count.pattern)` cannot be looked for as `\(count.metric)`", remedy: "write a metric and a regular expression")
    }
    (self.count, self.name, self.unit, self.regex) = (count, name, unit, regex)
  }

  /// Matches of the whole text, or the sum of what the first group captured, in the metric's stored unit; 0 without a match.
  func value(in text: String) throws(MeasureError) -> Double {
    var sum = 0.0
    for match in text.matches(of: regex) {
      hasMatched = true
      guard match.output.count > 1 else {
        sum += 1
        continue
      }
      let captured = match.output[1].substring ?? ""
      guard let value = Self.stored(captured, unit) else {
        throw MeasureError(
          "subject \(name): `\(captured)`, which it printed, is no `\(count.metric)`",
          remedy: unit == .nanoseconds || unit == .bytes ? "let the group capture the unit as well, such as ([0-9.]+ ?ms)" : "let the group capture a number")
      }
      sum += value
    }
    return sum
  }

  /// `12.5 ms` as 12,500,000 ns. Times and sizes need a unit; what has none is a plain number.
  static func stored(_ text: Substring, _ unit: MetricUnit) -> Double? {
    let number = text.prefix { $0.isASCII && $0.isNumber || $0 == "." || $0 == "-" }
    let written = text[number.endIndex...].drop { $0 == " " }
    guard let value = Double(number), value.isFinite else { return nil }
    if written.isEmpty { return unit == .nanoseconds || unit == .bytes ? nil : value }
    return UnitSpelling.all.first { $0.name == written && $0.unit == unit }.map { value * $0.factor }
  }
}

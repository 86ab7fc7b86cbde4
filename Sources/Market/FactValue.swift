// The number and unit in a fact's value: `0.0816 USD/h` is 0.0816 of money, `200 ms` is 2e8
// nanoseconds, `0.01 per 100 ms` is 0.01, `v2.3` has no number.

import ExperimentModel

/// The first word of `value` as a number, with the unit that follows it in nb's stored units.
/// A value with more words than number and unit keeps the number and has the unit `.plain`.
func numberAndUnit(_ value: String) -> (number: Double, unit: MetricUnit)? {
  var words = value.split(separator: " ").map(String.init)
  guard let first = words.first else { return nil }
  let digits = first.prefix { $0.isNumber && $0.isASCII || $0 == "." || $0 == "-" }
  guard let number = Double(digits), number.isFinite, digits.last != "." else { return nil }
  let attached = String(first.dropFirst(digits.count))
  words.removeFirst()
  if !attached.isEmpty { words.insert(attached, at: 0) }
  guard let unit = words.first else { return (number, .plain) }
  guard words.count == 1, let row = unitTable[unit] else {
    // `2.3.1` and `99th` are names, not numbers; `0.01 per 100 ms` is a number with a remark.
    return attached.isEmpty ? (number, .plain) : nil
  }
  return (number * row.factor, row.unit)
}

private let unitTable: [String: (factor: Double, unit: MetricUnit)] = [
  "ns": (1, .nanoseconds), "us": (1e3, .nanoseconds), "µs": (1e3, .nanoseconds), "ms": (1e6, .nanoseconds),
  "s": (1e9, .nanoseconds), "min": (60e9, .nanoseconds), "h": (3600e9, .nanoseconds), "d": (86400e9, .nanoseconds),
  "rps": (1, .perSecond), "B": (1, .bytes), "KiB": (1024, .bytes), "MiB": (1_048_576, .bytes), "GiB": (1_073_741_824, .bytes),
  "pct": (0.01, .share), "%": (0.01, .share), "pp": (1, .points), "x": (1, .ratio), "USD": (1, .usd), "USD/h": (1, .usd),
  "USD/d": (1, .usdPerDay), "USD/Mreq": (1, .usdPerMillion),
]

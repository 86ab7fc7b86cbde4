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
  guard words.count == 1, let row = UnitSpelling.all.first(where: { $0.name == unit }) else {
    // `2.3.1` and `99th` are names, not numbers; `0.01 per 100 ms` is a number with a remark.
    return attached.isEmpty ? (number, .plain) : nil
  }
  return (number * row.factor, row.unit)
}

// Scalars with units. A number that measures something carries its unit as text in the block and as
// a type here; `parseQuantity` is the only place that knows the spellings.

import ExperimentModel

/// A scalar of a block, read as its key's type says.
enum Value: Hashable {
  case text(String)
  case integer(Int)
  case number(Double)
  case flag(Bool)
  case duration(Nanoseconds)
  /// Requests per second.
  case rate(Double)
  /// Bytes.
  case size(Int)
  case texts([String])

  /// What it is in an arm's parameters: a time in nanoseconds, a rate per second, bytes; nil for text.
  var plain: Double? {
    switch self {
    case .text, .texts: nil
    case .flag(let flag): flag ? 1 : 0
    case .integer(let value), .size(let value): Double(value)
    case .number(let value), .rate(let value): value
    case .duration(let time): Double(time.rawValue)
    }
  }
}

/// A number and the unit after it: `40rps`, `18 ms`, `0.5`, `USD 4` is not one.
struct WrittenQuantity {
  var number: Double
  /// "" without one.
  var unit: String

  /// Digits, a fraction, an exponent; one optional space; the unit.
  init?(_ text: String) {
    let bytes = Array(text.utf8)
    var i = 0
    if i < bytes.count, bytes[i] == 0x2D || bytes[i] == 0x2B { i += 1 }
    let first = i
    func digits() { while i < bytes.count, bytes[i] >= 0x30, bytes[i] <= 0x39 { i += 1 } }
    digits()
    guard i > first else { return nil }
    if i + 1 < bytes.count, bytes[i] == 0x2E, bytes[i + 1] >= 0x30, bytes[i + 1] <= 0x39 {
      i += 1
      digits()
    }
    // An exponent has digits; `3e` would be a number and a unit.
    if i + 1 < bytes.count, bytes[i] == 0x65 || bytes[i] == 0x45 {
      let mark = i
      i += 1
      if bytes[i] == 0x2D || bytes[i] == 0x2B { i += 1 }
      let exponent = i
      digits()
      if i == exponent { i = mark }
    }
    guard let number = Double(String(decoding: bytes[..<i], as: UTF8.self)), number.isFinite else { return nil }
    self.number = number
    if i < bytes.count, bytes[i] == 0x20 { i += 1 }
    unit = String(decoding: bytes[i...], as: UTF8.self)
    if unit.hasPrefix(" ") { return nil }
  }
}

/// A number with an optional unit in stored units (`ttl: 20ms` is 2e7 nanoseconds); without a unit `.plain`.
/// nil when the text is not a number, or the unit is not one of `UnitSpelling.all`.
func parseQuantity(_ text: String) -> Quantity? {
  guard let written = WrittenQuantity(text) else { return nil }
  if written.unit.isEmpty { return Quantity(written.number, .plain) }
  guard let row = UnitSpelling.all.first(where: { $0.name == written.unit }) else { return nil }
  // In the integers where that is exact: 0.1 s are 100,000,000 ns.
  let value = written.number * row.factor
  let rounded = value.rounded()
  return Quantity(row.factor >= 1 && abs(value - rounded) < 1e-6 * max(1, abs(value)) && row.factor > 1 ? rounded : value, row.unit)
}

/// How a unit of stored values is written in a block, for messages.
func spelling(of unit: MetricUnit) -> (name: String, example: String) {
  switch unit {
  case .nanoseconds: ("a time", "80ms")
  case .perSecond: ("a rate", "120rps")
  case .thingsPerSecond: ("a rate", "120/s")
  case .bytesPerSecond: ("a size, of each second", "200KiB")
  case .bytes: ("a size", "2KiB")
  case .share: ("a share", "0.01 or 1pct")
  case .ratio: ("a factor", "1.5 or 1.5x")
  case .points: ("percentage points", "2pp")
  case .usd: ("money", "68 USD")
  case .usdPerHour: ("money per hour", "95 USD/h")
  case .usdPerDay: ("money per day", "600 USD/d")
  case .usdPerMonth: ("money per month", "40 USD/month")
  case .usdPerMillion: ("money per million requests", "0.3 USD/Mreq")
  case .usdPerMillionTokens: ("money per million tokens", "2.5 USD/Mtok")
  case .usdPerMillionSpans: ("money per million spans", "1.7 USD/Mspan")
  case .usdPerGB: ("money per GB", "0.09 USD/GB")
  case .usdPerGBSecond: ("money per GB and second", "0.0000166667 USD/GB-s")
  case .count: ("a plain number", "200")
  case .plain: ("a plain number", "1.3")
  }
}

/// `text` as a value of a metric with this unit; shares and factors may be written plain, money without its per.
func parseLimit(_ text: String, unit: MetricUnit) -> Quantity? {
  if unit == .plain, text == "true" || text == "false" { return Quantity(text == "true" ? 1 : 0, .plain) }
  return parseQuantity(text).flatMap { fitting($0, unit) }
}

/// A quantity as a value of a metric with this unit; nil where it is another thing.
func fitting(_ found: Quantity, _ unit: MetricUnit) -> Quantity? {
  switch (found.unit, unit) {
  case (let a, let b) where a == b: return found
  case (.plain, .share), (.plain, .ratio), (.plain, .count): return Quantity(found.value, unit)
  case (.plain, .nanoseconds), (.plain, .perSecond), (.plain, .thingsPerSecond), (.plain, .bytes), (.plain, .bytesPerSecond), (.plain, .points):
    return found.value == 0 ? Quantity(0, unit) : nil
  // Written alike; what they are of is the metric's to say.
  case (.perSecond, .thingsPerSecond), (.bytes, .bytesPerSecond): return Quantity(found.value, unit)
  case (.usd, let per) where per.isMoney: return Quantity(found.value, unit)
  case (let per, .usdPerMonth): return per.perMonth.map { Quantity(found.value * $0, .usdPerMonth) }
  // A share in points, and points in percent, are the same number of hundredths.
  case (.points, .share): return Quantity(found.value / 100, .share)
  case (.share, .points): return Quantity(found.value * 100, .points)
  default: return nil
  }
}

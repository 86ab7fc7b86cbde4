// Numbers as text: the one place where a stored value gets its prefix, its digits and its unit.
// It never invents precision: three significant digits for a point, and for an interval as many
// decimals as its width supports. Output is the same in every locale. Next stop: tables, pages, terminal.

import ExperimentModel
import Foundation

/// A value as people read it: `21.4 ms`, `55.7 %`, `120 rps`, `2.10 x`. Three significant digits,
/// whole counts in full (`20,000`), never a negative zero, `n/a` for what is not a number.
public func format(_ value: MetricValue) -> String {
  format(value.estimate, value.unit, interval: false)
}

/// A value with its 95 % interval in brackets when `interval` is asked for and known:
/// `21.4 ms [20.9, 22.0]`; a ratio then goes without its unit: `2.1 [1.9, 2.3]`.
public func format(_ estimate: Estimate, _ unit: MetricUnit, interval: Bool = false) -> String {
  let isCount = unit == .count || unit == .plain
  guard interval, let low = estimate.low, let high = estimate.high, low.isFinite, high.isFinite, estimate.value.isFinite
  else { return pointText(estimate.value, unit) }
  let magnitude = max(abs(estimate.value), abs(low), abs(high))
  let scale = Scale(unit, magnitude: magnitude)
  let scaled = [estimate.value, low, high].map { $0 / scale.divisor }
  var decimals = intervalDecimals(scaled)
  if unit == .ratio { decimals = separated(scaled, from: 1, decimals) }
  if isCount, scaled.allSatisfy({ $0 == $0.rounded() }) { decimals = 0 }
  let texts = scaled.map { fixed($0, decimals, grouped: unit != .plain) }
  let suffix = unit == .ratio ? "" : scale.suffix
  return "\(texts[0])\(suffix) [\(texts[1]), \(texts[2])]"
}

/// A point estimate with three significant digits.
private func pointText(_ value: Double, _ unit: MetricUnit) -> String {
  guard value.isFinite else { return value.isNaN ? "n/a" : value > 0 ? "∞" : "−∞" }
  let scale = Scale(unit, magnitude: abs(value))
  let scaled = value / scale.divisor
  if unit == .count || unit == .plain, scaled == scaled.rounded() {
    return fixed(scaled, 0, grouped: unit != .plain) + scale.suffix
  }
  if unit == .usd || unit == .usdPerDay || unit == .usdPerMonth, abs(scaled) >= 100 { return fixed(scaled, 0, grouped: true) + scale.suffix }
  var decimals = significantDecimals(scaled, 3)
  // 99.96 % is not 100 %: the last requests are what the number is about.
  if unit == .share {
    while decimals < 5, scaled < 100, scaled > 0, rounds(scaled, to: 100, decimals) { decimals += 1 }
  }
  return fixed(scaled, decimals, grouped: unit != .plain) + scale.suffix
}

/// The prefix for a magnitude in a unit: what to divide by and what to write behind.
struct Scale {
  var divisor: Double
  var suffix: String

  /// Picks so that three significant digits never print as `1000` of the smaller prefix.
  init(_ unit: MetricUnit, magnitude: Double) {
    func pick(_ steps: [(Double, String)]) -> (Double, String) {
      for (i, step) in steps.enumerated() where i + 1 == steps.count || magnitude >= step.0 * 0.9995 { return step }
      return steps[steps.count - 1]
    }
    let chosen: (Double, String) =
      switch unit {
      case .nanoseconds:
        magnitude == 0 ? (1, " ns") : magnitude >= 2 * 86_400e9 ? (86_400e9, " d") : magnitude >= 3_600e9 ? (3_600e9, " h") : pick([(1e9, " s"), (1e6, " ms"), (1e3, " µs"), (1, " ns")])
      case .bytesPerSecond: pick([(1_073_741_824, " GiB/s"), (1_048_576, " MiB/s"), (1024, " KiB/s"), (1, " B/s")])
      case .bytes: pick([(1_073_741_824, " GiB"), (1_048_576, " MiB"), (1024, " KiB"), (1, " B")])
      case .share: (0.01, " %")
      case .ratio: (1, " x")
      case .perSecond: (1, " rps")
      case .thingsPerSecond: (1, " /s")
      case .usd: (1, " USD")
      case .usdPerDay: (1, " USD/day")
      case .usdPerHour, .usdPerMonth, .usdPerMillionTokens, .usdPerMillionSpans, .usdPerGB, .usdPerGBSecond: (1, " \(unit.rawValue)")
      case .usdPerMillion: (1, " USD/Mreq")
      case .points: (1, " pp")
      case .count, .plain: (1, "")
      }
    divisor = chosen.0
    suffix = chosen.1
  }
}

/// Decimals that show `digits` significant digits; digits before the point are never dropped.
func significantDecimals(_ value: Double, _ digits: Int) -> Int {
  guard value != 0, value.isFinite else { return 0 }
  let exponent = Int(log10(abs(value)).rounded(.down))
  let decimals = digits - 1 - exponent
  // 9.996 has become 10.0 once it is rounded: one decimal less.
  if decimals > 0, abs(value) * pow(10, Double(decimals)) + 0.5 >= pow(10, Double(digits)) { return decimals - 1 }
  return min(max(decimals, 0), 12)
}

/// One significant digit of the half-width, at least two and at most four of the largest of the three numbers.
private func intervalDecimals(_ scaled: [Double]) -> Int {
  let magnitude = scaled.map(abs).max() ?? 0
  let least = significantDecimals(magnitude, 2)
  let most = significantDecimals(magnitude, 4)
  let halfWidth = (scaled[2] - scaled[1]) / 2
  guard halfWidth > 0 else { return min(most, significantDecimals(magnitude, 3)) }
  let wanted = max(0, -Int(log10(halfWidth).rounded(.down)))
  return min(max(wanted, least), most)
}

/// More decimals while a bound that is not `point` would print as it: an interval that excludes 1
/// must be seen to exclude it.
private func separated(_ scaled: [Double], from point: Double, _ decimals: Int) -> Int {
  var decimals = decimals
  while decimals < 4, scaled.dropFirst().contains(where: { $0 != point && rounds($0, to: point, decimals) }) { decimals += 1 }
  return decimals
}

private func rounds(_ value: Double, to target: Double, _ decimals: Int) -> Bool {
  fixed(value, decimals, grouped: false) == fixed(target, decimals, grouped: false)
}

/// A number with fixed decimals, `−` (U+2212) as its sign and commas between thousands.
func fixed(_ value: Double, _ decimals: Int, grouped: Bool) -> String {
  guard value.isFinite else { return value.isNaN ? "n/a" : value > 0 ? "∞" : "−∞" }
  guard abs(value) < 1e15 else { return String(format: "%.3e", value).replacingOccurrences(of: "-", with: "−") }
  let text = String(format: "%.\(decimals)f", abs(value))
  let isZero = text.allSatisfy { $0 == "0" || $0 == "." }
  var (whole, fraction) = (text[...], text[text.endIndex...])
  if let point = text.firstIndex(of: ".") { (whole, fraction) = (text[..<point], text[point...]) }
  var out = value < 0 && !isZero ? "−" : ""
  for (i, digit) in whole.enumerated() {
    if grouped, i > 0, (whole.count - i) % 3 == 0 { out += "," }
    out.append(digit)
  }
  return out + fraction
}

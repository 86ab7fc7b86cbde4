// An axis: the range it shows, where its ticks stand (1, 2, 5 times a power of ten) and what they say.
// Pure arithmetic. An axis never hides a value that it is given, and a linear axis of non-negative values starts at zero.

import ExperimentModel
import Foundation

struct PlotAxis {
  struct Tick: Equatable {
    var value: Double
    var label: String
  }

  var low: Double
  var high: Double
  var isLog: Bool
  var ticks: [Tick]
  /// The unit that all ticks share, for the axis title; empty where each tick names its own.
  var unitText: String

  /// - Parameters:
  ///   - values: finite; those that a logarithm does not have are ignored on a log axis.
  ///   - wanted: about how many ticks fit.
  init(_ values: [Double], unit: MetricUnit, isLog: Bool, wanted: Int) {
    let usable = values.filter { $0.isFinite && (!isLog || $0 > 0) }
    self.isLog = isLog && !usable.isEmpty
    let least = usable.min() ?? 0
    let most = usable.max() ?? 1
    if self.isLog {
      (low, high) = least == most ? (least / 2, most * 2) : (least, most)
      ticks = []
      unitText = ""
      placeLogTicks(unit, wanted)
    } else {
      low = min(0, least)
      high = max(most, low)
      if unit == .share, least >= 0, most <= 1, most > 0.6 { high = 1 }
      if low == high { high = low + 1 }
      ticks = []
      unitText = ""
      placeLinearTicks(unit, wanted)
    }
  }

  /// 0…1 along the axis.
  func position(_ value: Double) -> Double {
    isLog ? log(value / low) / log(high / low) : (value - low) / (high - low)
  }

  private mutating func placeLinearTicks(_ unit: MetricUnit, _ wanted: Int) {
    let scale = Scale(unit, magnitude: max(abs(low), abs(high)))
    unitText = scale.suffix.trimmingSpaces
    let from = low / scale.divisor
    let to = high / scale.divisor
    let step = Self.niceStep((to - from) / Double(max(1, wanted)))
    let decimals = max(0, -Int(log10(step).rounded(.down)))
    var index = (from / step - 1e-9).rounded(.up)
    // The axis ends on a tick: the last value is then never on the frame.
    let last = (to / step - 1e-9).rounded(.up)
    while index <= last {
      ticks.append(Tick(value: index * step * scale.divisor, label: fixed(index * step, decimals, grouped: true)))
      index += 1
    }
    if from < 0, let first = ticks.first, first.value > low {
      let value = first.value - step * scale.divisor
      ticks.insert(Tick(value: value, label: fixed(value / scale.divisor, decimals, grouped: true)), at: 0)
    }
    low = min(low, ticks.first?.value ?? low)
    high = max(high, ticks.last?.value ?? high)
  }

  /// Decades; with 2 and 5 between them where they fit; every second or third decade where they do not.
  private mutating func placeLogTicks(_ unit: MetricUnit, _ wanted: Int) {
    let first = Int(log10(low).rounded(.down))
    let last = Int(log10(high).rounded(.up))
    var factors = [1.0]
    var every = 1
    if (last - first) * 3 <= wanted + 1 { factors = [1, 2, 5] } else { every = max(1, (last - first) / max(1, wanted) + 1) }
    for decade in first...last where (decade - first) % every == 0 {
      for factor in factors {
        let value = factor * pow(10, Double(decade))
        if value >= low * 0.999, value <= high * 1.001 {
          ticks.append(Tick(value: value, label: Self.logLabel(value, unit)))
        }
      }
    }
    // Less than a decade may hold no such tick: then the ends say what they are.
    if ticks.count < 2 {
      ticks = [Tick(value: low, label: format(MetricValue(Estimate(low), unit))), Tick(value: high, label: format(MetricValue(Estimate(high), unit)))]
    }
  }

  /// `100 µs`, `1 ms`: a tick is exact, so without the zeros of measured digits.
  private static func logLabel(_ value: Double, _ unit: MetricUnit) -> String {
    let scale = Scale(unit, magnitude: value)
    let scaled = value / scale.divisor
    return fixed(scaled, scaled < 1 ? significantDecimals(scaled, 1) : 0, grouped: true) + scale.suffix
  }

  /// The smallest of 1, 2, 5 × 10ⁿ that is at least `rough`.
  static func niceStep(_ rough: Double) -> Double {
    guard rough > 0, rough.isFinite else { return 1 }
    let power = pow(10, log10(rough).rounded(.down))
    for factor in [1.0, 2, 5] where factor * power >= rough * 0.999_999 { return factor * power }
    return 10 * power
  }
}

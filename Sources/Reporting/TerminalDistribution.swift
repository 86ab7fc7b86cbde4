// The picture that `nb bench` draws: one histogram per subject above one common time axis, the median and its interval
// marked below each. Every sample is drawn, or counted in a note beside the picture.
//
//   gzip
//      ▂▅█▇▃▁                       → 2 more, up to 95.2 ms
//       ├─┃─┤
//   ┬────────┬────────┬────────┬
//   10       20       30       40 ms

import ExperimentModel
import Foundation

/// The distributions of the subjects' times over one axis; a sentence when there is no sample at all.
///
/// Each histogram is as high as its own fullest column, since a narrow distribution would flatten all others. With 20 samples
/// or more a long tail is clipped: the axis then ends at the largest of the subjects' 99th percentiles, and a note
/// right of the histogram says how many samples lie beyond. The axis is logarithmic, and says so, when the times span
/// more than a factor of 20.
public func distributionText(_ report: BenchReport, style: TerminalStyle = TerminalStyle()) -> String {
  let medians = report.subjects.compactMap { $0.shownMedian?.value }
  guard let axis = TimeAxis(report.subjects.map(\.times), medians: medians, columns: style.columns) else {
    return "No samples to draw.\n"
  }
  var lines: [String] = []
  for (index, subject) in report.subjects.enumerated() {
    lines.append(style.bold(style.text(subject.name, limit: style.columns + 15)))
    let bins = axis.bins(subject.times)
    let plain = histogramRows(bins.counts, width: axis.columnsPerBin, style: style)
    var rows = plain.map { style.colored($0, as: index) }
    let notes = [
      bins.beyond > 0 ? "→ \(bins.beyond) more, up to \(time(subject.times.filter(\.isFinite).max() ?? 0))" : nil,
      bins.notNumbers > 0 ? "\(bins.notNumbers) without a time" : nil, subject.times.isEmpty ? "no samples" : nil,
    ].compactMap { $0 }
    if !notes.isEmpty {
      // Padding counts what is seen: the colour codes take no room.
      let pad = style.columns - plain[plain.count - 1].count + 1
      rows[rows.count - 1] += String(repeating: " ", count: max(1, pad)) + style.own(notes.joined(separator: "; "))
    }
    lines += rows.drop { $0.isEmpty }
    if let median = subject.shownMedian { lines.append(markerRow(median, axis, style)) }
  }
  lines += axis.rows(style)
  if report.subjects.contains(where: { $0.shownMedian?.low != nil && $0.shownMedian?.high != nil }) {
    lines.append(style.isASCII ? "| median, [-] its 95 % interval" : "┃ median, ├─┤ its 95 % interval")
  }
  return lines.map { ($0.isEmpty ? "" : "  " + $0) + "\n" }.joined()
}

private func time(_ value: Double) -> String { format(MetricValue(Estimate(value), .nanoseconds)) }

// MARK: Histogram

private let blocks: [Character] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

/// Three rows of eighth blocks, without spaces at their ends; a bin with a sample is never empty.
func histogramRows(_ counts: [Int], width: Int, style: TerminalStyle) -> [String] {
  let height = 3
  let most = counts.max() ?? 0
  guard most > 0 else { return Array(repeating: "", count: height) }
  let levels = counts.map { count in
    count == 0 ? 0 : max(1, Int((Double(count) / Double(most) * Double(8 * height)).rounded()))
  }
  return (0..<height).reversed().map { row in
    var line = ""
    for level in levels {
      let eighths = min(max(level - 8 * row, 0), 8)
      let mark: Character = style.isASCII ? (eighths == 0 ? " " : eighths < 4 ? "." : eighths < 7 ? ":" : "#") : blocks[eighths]
      line += String(repeating: mark, count: width)
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}

/// `├──┃─┤`: the interval with the median in it; only the median where no interval is known.
private func markerRow(_ median: Estimate, _ axis: TimeAxis, _ style: TerminalStyle) -> String {
  guard median.value.isFinite else { return "" }
  let center = axis.column(median.value)
  var row = Array(repeating: Character(" "), count: axis.columns)
  if let low = median.low, let high = median.high, low.isFinite, high.isFinite, low <= high {
    let (from, to) = (axis.column(low), axis.column(high))
    for i in from...to { row[i] = style.isASCII ? "-" : "─" }
    // An end beyond the axis stays open.
    if low >= axis.low { row[from] = style.isASCII ? "[" : "├" }
    if high <= axis.high { row[to] = style.isASCII ? "]" : "┤" }
  }
  row[center] = style.isASCII ? "|" : "┃"
  while row.last == " " { row.removeLast() }
  return String(row)
}

// MARK: Axis

/// A time axis of so many columns. It always holds every median.
struct TimeAxis {
  var low: Double
  var high: Double
  let columns: Int
  let isLog: Bool
  /// Few samples in narrow bins would look like gaps.
  let columnsPerBin: Int

  /// nil without a finite sample.
  init?(_ samples: [[Double]], medians: [Double], columns: Int) {
    let finite = samples.map { $0.filter(\.isFinite).sorted() }
    guard let least = finite.compactMap(\.first).min(), let most = finite.compactMap(\.last).max() else { return nil }
    self.columns = columns
    columnsPerBin = (finite.map(\.count).max() ?? 0) < 400 ? 2 : 1
    var end = most
    if let p99 = finite.compactMap(Self.percentile99).max(), most - least > 1.5 * (p99 - least) { end = p99 }
    low = least
    high = end
    for median in medians where median.isFinite {
      low = min(low, median)
      high = max(high, median)
    }
    isLog = low > 0 && high / low > 20
    if low == high {
      let margin = low == 0 ? 0.5 : abs(low) * 0.05
      low -= margin
      high += margin
    }
  }

  /// The value that a hundredth of the samples exceeds, and always one of them. Fewer than 20 have no tail to speak of:
  /// then their maximum.
  private static func percentile99(_ sorted: [Double]) -> Double? {
    sorted.count < 20 ? sorted.last : sorted[sorted.count - 1 - max(1, sorted.count / 100)]
  }

  private func position(_ value: Double) -> Double {
    // Halved before they are subtracted: the distance of two large numbers may be infinite.
    isLog ? log(max(value, low) / low) / log(high / low) : (value / 2 - low / 2) / (high / 2 - low / 2)
  }

  /// The column that shows `value`; the first or last for what lies outside.
  func column(_ value: Double) -> Int {
    let share = position(value)
    guard share.isFinite else { return 0 }
    return min(Int(min(max(share, 0), 1) * Double(columns)), columns - 1)
  }

  /// How many samples each bin holds, how many lie right of the axis, and how many are no numbers.
  func bins(_ samples: [Double]) -> (counts: [Int], beyond: Int, notNumbers: Int) {
    var counts = Array(repeating: 0, count: (columns + columnsPerBin - 1) / columnsPerBin)
    var (beyond, notNumbers) = (0, 0)
    for value in samples {
      if !value.isFinite {
        notNumbers += 1
      } else if value > high {
        beyond += 1
      } else {
        counts[column(value) / columnsPerBin] += 1
      }
    }
    return (counts, beyond, notNumbers)
  }

  /// The line with its ticks, and their labels; the last label carries the unit.
  func rows(_ style: TerminalStyle) -> [String] {
    let (ticks, unit) = ticks
    var line = Array(repeating: Character(style.isASCII ? "-" : "─"), count: columns)
    var labels = ""
    for tick in ticks {
      let at = column(tick.value)
      let label = style.own(tick.label)
      guard labels.isEmpty || at >= labels.count + 2 else { continue }
      line[at] = style.isASCII ? "+" : "┬"
      labels += String(repeating: " ", count: at - labels.count) + label
    }
    let notes = [unit, isLog ? "(log scale)" : ""].filter { !$0.isEmpty }.map { " " + style.own($0) }
    return [String(line), labels + notes.joined()]
  }

  private var ticks: (ticks: [PlotAxis.Tick], unit: String) {
    if isLog {
      let axis = PlotAxis([low, high], unit: .nanoseconds, isLog: true, wanted: 5)
      return (axis.ticks.filter { $0.value >= low && $0.value <= high }, "")
    }
    let scale = Scale(.nanoseconds, magnitude: max(abs(low), abs(high)))
    let (from, to) = (low / scale.divisor, high / scale.divisor)
    let step = PlotAxis.niceStep((to - from) / 5)
    let decimals = min(max(0, -Int(log10(step).rounded(.down))), 9)
    let first = (from / step - 1e-9).rounded(.up)
    let found = (0..<12).map { (first + Double($0)) * step }.filter { $0 <= to + step * 1e-9 }
    let ticks = found.map { PlotAxis.Tick(value: $0 * scale.divisor, label: fixed($0, decimals, grouped: true)) }
    return (ticks, scale.suffix.trimmingSpaces)
  }
}

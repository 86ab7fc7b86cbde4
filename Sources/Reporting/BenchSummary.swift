// What `nb bench` says under its picture: each subject's median, processor time and memory, then one sentence per comparison
// that says no more than was measured, then the doubts.

import ExperimentModel
import Foundation

/// The summary as lines for a terminal.
public func benchSummaryText(_ report: BenchReport, style: TerminalStyle = TerminalStyle()) -> String {
  var lines: [String] = []
  for (index, subject) in report.subjects.enumerated() {
    let name = style.text(subject.name, limit: 75)
    let source = subject.source == subject.name ? "" : "  " + style.text(subject.source, limit: max(20, 100 - name.count))
    lines.append(style.bold(style.colored(name, as: index)) + source)
    lines.append("  " + style.own(subjectFigures(subject)))
  }
  if !report.comparisons.isEmpty { lines.append("") }
  for comparison in report.comparisons {
    let sentence = comparisonSentence(comparison, report)
    lines.append(style.bold(style.text(sentence, limit: 1000)))
  }
  if !report.doubts.isEmpty {
    lines.append("")
    for (index, doubt) in report.doubts.enumerated() { lines.append("  \(index + 1). " + style.text(doubt.text, limit: 1000)) }
  }
  return lines.map { $0 + "\n" }.joined()
}

/// `median 21.4 ms [21.3, 21.5] · user 1.20 ms · system 0.90 ms · memory 3.40 MiB · 40 samples`
private func subjectFigures(_ subject: BenchSubject) -> String {
  guard let median = subject.shownMedian else { return "no samples" }
  var parts = ["median " + format(median, .nanoseconds, interval: true)]
  func add(_ title: String, _ values: [Double], _ unit: MetricUnit) {
    if let value = middle(values) { parts.append("\(title) \(format(MetricValue(Estimate(value), unit)))") }
  }
  add("user", subject.user, .nanoseconds)
  add("system", subject.system, .nanoseconds)
  add("memory", subject.residentMax, .bytes)
  let samples = subject.times.count == 1 ? "1 sample" : "\(subject.times.count) samples"
  parts.append(subject.iterations > 1 ? "\(samples) of \(fixed(Double(subject.iterations), 0, grouped: true)) runs" : samples)
  let ended = subject.exitCodes.filter { $0 != 0 }
  if !ended.isEmpty {
    let codes = Set(ended.map { $0.map { "exit code \($0)" } ?? "ended by a signal" }).sorted().joined(separator: ", ")
    parts.append("\(ended.count) of \(subject.exitCodes.count) runs failed (\(codes))")
  }
  return parts.joined(separator: " · ")
}

/// One comparison in words: `B is 1.31 [1.28, 1.35] times faster than A (40 pairs, A/A 1.00 [0.99, 1.01])`.
///
/// Where nothing was found it says how large a difference would have been seen: the larger of the minimum detectable
/// effect and what the interval still allows, because a claim below either would not be covered by the data.
public func comparisonSentence(_ comparison: BenchComparison, _ report: BenchReport) -> String {
  let candidate = shortName(comparison.candidate, report)
  let baseline = shortName(report.baseline, report)
  let conditions = conditionsText(comparison, report)
  guard let ratio = comparison.ratio, ratio.value.isFinite, ratio.value > 0 else {
    return "\(candidate) and \(baseline) could not be compared\(conditions)\(toDecide(comparison))"
  }
  let shown = ratioText(ratio)
  switch comparison.verdict {
  case .faster: return "\(candidate) is \(shown) times faster than \(baseline)\(conditions)"
  case .slower: return "\(candidate) is \(ratioText(inverted(ratio))) times slower than \(baseline)\(conditions)"
  case .better, .worse: return "\(candidate) is \(comparison.verdict.rawValue) than \(baseline): ratio \(shown)\(conditions)"
  case .equivalent:
    let margin = percentText(report.equivalenceMargin)
    return "\(candidate) and \(baseline) are equivalent within \(margin): ratio \(shown)\(conditions)"
  case .unresolved:
    guard let seen = visibleDifference(comparison, ratio) else {
      return "\(candidate) against \(baseline) is unresolved: ratio \(shown)\(conditions)\(toDecide(comparison))"
    }
    return "no difference larger than \(percentText(seen)) could be seen between \(candidate) and \(baseline): "
      + "ratio \(shown)\(conditions)\(toDecide(comparison))"
  }
}

/// A name is often a whole command, and a long one would hide the verdict behind it; one that two subjects share
/// (`nb bench true true`) gets its number.
private func shortName(_ index: Int, _ report: BenchReport) -> String {
  let name = oneLine(report.name(index)).trimmingSpaces
  let isShared = report.subjects.count { $0.name == report.name(index) } > 1
  return (name.count > 60 ? name.prefix(59) + "…" : name) + (isShared ? " (subject \(index + 1))" : "")
}

/// Above this size a difference would have shown; nil when the interval is not known, or excludes 1, where "no
/// difference" is not the word.
private func visibleDifference(_ comparison: BenchComparison, _ ratio: Estimate) -> Double? {
  guard let low = ratio.low, let high = ratio.high, low > 0, low <= 1, high >= 1, high.isFinite else { return nil }
  let effect = comparison.minimumDetectableEffect.flatMap { $0.isFinite && $0 > 0 ? $0 : nil } ?? 0
  let allowed = max(high - 1, 1 / low - 1)
  return max(effect, allowed) > 0 ? max(effect, allowed) : nil
}

private func conditionsText(_ comparison: BenchComparison, _ report: BenchReport) -> String {
  var parts = [comparison.pairs == 1 ? "1 pair" : "\(comparison.pairs) pairs"]
  if let effective = comparison.pairsEffective, effective.isFinite, effective < 0.9 * Double(comparison.pairs) {
    parts[0] += " worth \(fixed(effective.rounded(.down), 0, grouped: true))"
  }
  if let control = report.control { parts.append("A/A \(ratioText(control))") }
  return " (\(parts.joined(separator: ", ")))"
}

private func toDecide(_ comparison: BenchComparison) -> String {
  guard let pairs = comparison.pairsToDecide, pairs > comparison.pairs else { return "" }
  return "; about \(fixed(Double(pairs), 0, grouped: true)) pairs would decide"
}

/// Without the unit: the sentence has the word "times".
private func ratioText(_ ratio: Estimate) -> String {
  let text = format(ratio, .ratio, interval: true)
  return text.hasSuffix(" x") ? String(text.dropLast(2)) : text
}

private func inverted(_ ratio: Estimate) -> Estimate {
  func inverse(_ value: Double?) -> Double? { value.flatMap { $0 > 0 ? 1 / $0 : nil } }
  return Estimate(1 / ratio.value, low: inverse(ratio.high), high: inverse(ratio.low))
}

/// A share as a bound in a sentence, two significant digits, rounded up so that it still holds: `1.4 %`, `2 %`.
func percentText(_ share: Double) -> String {
  guard share.isFinite else { return "\(fixed(share, 0, grouped: false)) %" }
  let percent = share * 100
  let decimals = significantDecimals(percent, 2)
  let power = pow(10, Double(decimals))
  // The smallest step above keeps 2 % from becoming 2.1 % by the error of the product.
  let rounded = (percent * power - 1e-6).rounded(.up) / power
  var text = fixed(rounded, decimals, grouped: true)
  if text.contains(".") {
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
  }
  return text + " %"
}

// The language's values and thresholds as they are typed in a shell: `2k`, `10s`, `p99<50ms`. The same tables as in a
// block; a plain number is a rate or a number of seconds where only that can be meant.

import ExperimentModel
import StrictYAML
import TextModel

/// `500ms`, `10s`, `2min`, or seconds without a unit; nil: none of these, or not above 0.
public func typedDuration(_ text: String) -> Nanoseconds? {
  if let number = Double(text), number > 0, number < 1e6 { return Nanoseconds(seconds: number) }
  guard let quantity = parseQuantity(text), quantity.unit == .nanoseconds, quantity.value > 0, quantity.value < 1e15 else { return nil }
  return Nanoseconds(Int64(quantity.value))
}

/// `64MiB`, `1GB`, or bytes without a unit; nil: none of these, or not above 0.
public func typedSize(_ text: String) -> Int? {
  if let number = Int(text) { return number > 0 ? number : nil }
  guard let quantity = parseQuantity(text), quantity.unit == .bytes, quantity.value >= 1, quantity.value < 1e15 else { return nil }
  return Int(quantity.value)
}

/// `120`, `2k`, `1.5M`, `120rps`, `2k/s`, in requests per second; nil: none of these, or not above 0.
public func typedRate(_ text: String) -> Double? {
  if let quantity = parseQuantity(text), quantity.unit == .perSecond { return quantity.value > 0 ? quantity.value : nil }
  guard let written = WrittenQuantity(text) else { return nil }
  let factors = ["": 1.0, "k": 1e3, "M": 1e6]
  guard let factor = factors[written.unit], written.number > 0 else { return nil }
  return written.number * factor
}

/// `p99<50ms`, `p(99)<50ms`, `errors<1%`, `rate>=900` about a load run; with ` every 1s` in each window, with ` from 2s to 5s`
/// in one stretch of it.
///
/// - Returns: the judgement, or what is wrong with the text.
public func typedObjective(_ text: String) -> Result<Judgement, AddressError> {
  let words = text.split(separator: " ").map(String.init)
  guard let start = words.firstIndex(where: { $0 == "every" || $0 == "from" }), start > 0 else { return typedCondition(text) }
  let form = AddressError(cause: "`\(words[start...].joined(separator: " "))` is no window", remedy: "such as 'p99<50ms every 1s' or 'p99<50ms from 2s to 5s'")
  let window: ThresholdWindow
  let tail = Array(words[(start + 1)...])
  if words[start] == "every", tail.count == 1, let length = typedDuration(tail[0]), length.rawValue >= 10_000_000 {
    window = .every(length)
  } else if words[start] == "from", tail.count == 3, tail[1] == "to", let to = typedDuration(tail[2]),
    let from = tail[0] == "0" || tail[0] == "0s" ? Nanoseconds.zero : typedDuration(tail[0]), to.rawValue - from.rawValue >= 10_000_000
  {
    window = .between(from, to)
  } else {
    return .failure(form)
  }
  return typedCondition(words[..<start].joined(separator: " ")).flatMap { condition in
    guard ThresholdWindow.metrics.contains(condition.address.metric) else {
      return .failure(AddressError(cause: "`\(condition.address.metric)` is known of the whole run only", remedy: "leave the window out"))
    }
    var judgement = condition
    judgement.text = text
    judgement.window = window
    return .success(judgement)
  }
}

private func typedCondition(_ text: String) -> Result<Judgement, AddressError> {
  guard let parts = Comparative(text) else {
    return .failure(AddressError(cause: "`\(text)` is not METRIC op VALUE", remedy: "such as 'p99<50ms' or 'errors<1%'"))
  }
  let names = [
    "p(50)": "p50", "med": "p50", "median": "p50", "p(90)": "p90", "p(95)": "p95", "p(99)": "p99", "p(99.9)": "p999", "p99.9": "p999",
    "avg": "mean", "errors": "http_req_failed", "error_rate": "http_req_failed", "failed": "http_req_failed", "rps": "rate",
    "service": "http_req_service",
  ]
  let name = names[parts.left] ?? parts.left
  let known: Set<String> = MetricSets.load.intersection([
    "checks", "mean", "p50", "p90", "p95", "p99", "p999", "max", "http_req_failed", "rate", "http_reqs", "http_req_service", "send_lag", "in_flight",
    "bytes_in", "bytes_out", "generator_cpu", "cpu_per_req", "rss", "runqueue_wait", "descriptors", "disk_bytes", "io_calls_per_req",
    "generator_cpu_per_req", "generator_runqueue_wait", "generator_rss", "generator_descriptors", "generator_disk_bytes",
    "generator_syscalls_per_req", "retransmits", "tcp_bytes_sent", "tcp_bytes_received",
  ])
  guard known.contains(name), let metric = Metric.named(name) else {
    return .failure(
      AddressError(
        cause: "a load run has no `\(parts.left)`", remedy: suggestion(for: parts.left, among: known.sorted() + names.keys.sorted(), what: "its metrics")))
  }
  guard let limit = parseLimit(parts.right, unit: metric.unit) ?? (metric.unit == .perSecond ? typedRate(parts.right).map { Quantity($0, .perSecond) } : nil)
  else {
    let (what, example) = spelling(of: metric.unit)
    return .failure(AddressError(cause: "`\(name)` is \(what), and `\(parts.right)` is none", remedy: "such as \(example)"))
  }
  return .success(Judgement(text: text, address: Address(block: nil, arm: [], metric: name), op: parts.op, limit: limit))
}

extension SystemDraft {
  /// Applies `PATH=VALUE`, each as `set: {PATH: VALUE}` of a block would be.
  mutating func apply(typed overrides: [String], _ findings: Findings) {
    let nowhere = SourceRange(0, 0)
    for text in overrides {
      guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
        findings.error(
          PerfDiagnosticID.wrongType, "`--set \(text)` is not PATH=VALUE", remedy: "such as --set \(paths.first { $0.hasSuffix(".workers") } ?? "origin.workers")=8",
          at: nowhere)
        continue
      }
      let value = YAMLNode(.scalar(YAMLScalar(String(text[text.index(after: equals)...]), .plain)), at: nowhere)
      let entry = YAMLEntry(key: String(text[..<equals]), keyRange: nowhere, value: value)
      apply(YAMLNode(.mapping([entry]), at: nowhere), findings)
    }
  }
}

// Rate, errors and duration by route and service, from the spans of servers; with them Apdex and the four golden signals.
// Counts are adjusted for sampling: a span that was kept with probability p counts 1/p times.

import ExperimentModel

/// One group of requests.
public struct REDRow: Hashable, Sendable {
  /// Values of the keys that were grouped by; empty texts where a span has none.
  public var group: [String]
  /// Adjusted for sampling.
  public var requests: Double
  public var errors: Double
  /// Requests per second of the capture's window.
  public var rate: Double
  /// Nanoseconds of all requests.
  public var mean: Double
  public var p50: Double
  public var p95: Double
  public var p99: Double
  /// Nanoseconds of those that failed; nil when none did. Errors are often fast, and would make a latency look better.
  public var errorP95: Double?
  public var errorShare: Double { requests > 0 ? errors / requests : 0 }
}

public struct ApdexScore: Hashable, Sendable {
  /// Within T.
  public var satisfied: Double
  /// Within 4·T.
  public var tolerating: Double
  /// Slower, or failed.
  public var frustrated: Double
  /// (satisfied + tolerating ÷ 2) ÷ all (Apdex Technical Specification 1.1); nil without requests.
  public var score: Double? {
    let all = satisfied + tolerating + frustrated
    return all > 0 ? (satisfied + tolerating / 2) / all : nil
  }
}

extension TelemetryCapture {
  /// Groups that are kept apart; further ones are one group whose values are all `…`.
  static let groupsMax = 1_000

  /// RED by the keys given, largest rate first. Memory: two numbers for each span that is counted.
  ///
  /// - Parameter entries: only requests as they came in, not those that they led to.
  public func red(
    where filter: TelemetryFilter = .all, groupBy keys: [String] = ["service.name", "http.route"], entries: Bool = false
  ) -> [REDRow] {
    struct Group {
      var all = WeightedValues()
      var failed = WeightedValues()
      var sum = 0.0
    }
    var groups: [[String]: Group] = [:]
    forEachRequest(filter, entries: entries) { one, weight in
      var group = keys.map { shortened(one.label($0)) }
      if groups[group] == nil, groups.count >= Self.groupsMax { group = keys.map { _ in "…" } }
      let duration = Double(max(0, one.span.duration))
      groups[group, default: Group()].all.add(duration, weight: weight)
      groups[group]!.sum += duration * weight
      if SemanticConventions.hasFailed(one.span) { groups[group]!.failed.add(duration, weight: weight) }
    }
    let seconds = Double(window) / 1e9
    return groups.map { key, group in
      var group = group
      let count = group.all.weight
      return REDRow(
        group: key, requests: count, errors: group.failed.weight, rate: seconds > 0 ? count / seconds : 0, mean: group.sum / count,
        p50: group.all.quantile(0.5) ?? 0, p95: group.all.quantile(0.95) ?? 0, p99: group.all.quantile(0.99) ?? 0,
        errorP95: group.failed.quantile(0.95))
    }.sorted { ($1.requests, $0.group.joined(separator: "\u{1}")) < ($0.requests, $1.group.joined(separator: "\u{1}")) }
  }

  /// How content users are at a threshold T in nanoseconds, by the requests as they came in.
  public func apdex(where filter: TelemetryFilter = .all, threshold: Double) -> ApdexScore {
    var score = ApdexScore(satisfied: 0, tolerating: 0, frustrated: 0)
    forEachEntry(filter) { one, weight in
      let duration = Double(max(0, one.span.duration))
      if SemanticConventions.hasFailed(one.span) || duration > 4 * threshold {
        score.frustrated += weight
      } else if duration > threshold {
        score.tolerating += weight
      } else {
        score.satisfied += weight
      }
    }
    return score
  }

  /// Spans of servers and consumers that pass the filter, with what each stands for. A capture without any, such as one of
  /// spans without kinds, is asked by its traces' roots.
  func forEachRequest(_ filter: TelemetryFilter, _ body: (OriginatedSpan, Double) -> Void) {
    let served = spans.lazy.filter { $0.span.kind == .server || $0.span.kind == .consumer }
    func visit<S: Sequence<OriginatedSpan>>(_ requests: S) {
      let selection = TelemetrySelection(filter, over: requests)
      for one in requests where selection.contains(one) { body(one, one.span.adjustedCount ?? 1) }
    }
    if served.first != nil { visit(served) } else { visit(traces.lazy.map { spans[$0.root] }) }
  }
}

extension TelemetryCapture {
  func forEachRequest(_ filter: TelemetryFilter, entries: Bool, _ body: (OriginatedSpan, Double) -> Void) {
    entries ? forEachEntry(filter, body) : forEachRequest(filter, body)
  }

  /// The requests as they came in: those of servers that no other one, which passes the conditions on attributes too, has called.
  /// Without conditions a request counts once however many services it went through; of one service, once for each call to it.
  func forEachEntry(_ filter: TelemetryFilter, _ body: (OriginatedSpan, Double) -> Void) {
    let scope = TelemetrySelection(filter, over: EmptyCollection<OriginatedSpan>())
    var entries: [Int] = []
    for trace in traces {
      let served = trace.range.filter { (spans[$0].span.kind == .server || spans[$0].span.kind == .consumer) && scope.isInScope(spans[$0]) }
      guard served.count > 1 else {
        entries += served
        continue
      }
      let places = Dictionary(trace.range.map { (spans[$0].span.spanID, $0) }, uniquingKeysWith: { a, _ in a })
      let inScope = Set(served)
      entries += served.filter { place in
        var at = places[spans[place].span.parentSpanID]
        // No longer than the trace: parents may go round in a circle.
        for _ in trace.range {
          guard let caller = at else { return true }
          if inScope.contains(caller) { return false }
          at = places[spans[caller].span.parentSpanID]
        }
        return true
      }
    }
    guard !entries.isEmpty else { return forEachRequest(filter, body) }
    let selection = TelemetrySelection(filter, over: entries.lazy.map { spans[$0] })
    for place in entries where selection.contains(spans[place]) { body(spans[place], spans[place].span.adjustedCount ?? 1) }
  }
}

extension OriginatedSpan {
  /// The value of a field of the filter language or of an attribute, as text; empty when it has none.
  func label(_ key: String) -> String {
    switch key {
    case "service.name": origin.service
    case "name": span.name
    case "kind": "\(span.kind)"
    case "status": statusOfSubject
    default: attribute(key)?.label ?? ""
    }
  }
}

// Which attribute is it? For every value of every attribute: how much commoner it is among the records that were chosen (the
// slow, the failed) than among all, P(value | chosen) ÷ P(value). No attribute is named in the question, so that what nobody
// thought of is found too; many values are tried, so the p-values are adjusted for all of them.
//
// Records of one trace are not independent of each other: the unit that is counted is the trace, for logs too.

import ExperimentModel
import Statistics

/// What is counted.
public enum LiftSource: String, Hashable, Sendable, CaseIterable {
  /// Traces, chosen by their roots; a value counts once however many spans of the trace have it.
  case traces
  /// Spans, each for itself: only where spans of one trace say nothing about each other.
  case spans
  /// Logs, joined to one unit by their trace; a log without a trace is one of its own.
  case logs
}

extension TelemetryCapture {
  /// Rows that are reported.
  public static let liftRowsMax = 50

  /// - Parameters:
  ///   - filter: chooses. Conditions on attributes limit what is looked at, those on duration, status and severity divide it;
  ///     without any of the latter the former divide all there is.
  ///   - other: what the chosen are held against, instead of all that is looked at; "all" is then both together.
  /// - Complexity: one pass over the chosen and one over all; memory for 262,144 values, of which those that are at least 1/4096
  ///   of the chosen are counted whatever else comes.
  public func lifts(_ source: LiftSource, where filter: TelemetryFilter, versus other: TelemetryFilter? = nil) -> AttributeLifts {
    let named = filter.fields.union(other?.fields ?? [])
    var counter = LiftCounter(excluded: named)
    switch source {
    case .traces:
      let roots = traces.lazy.map { spans[$0.root] }
      let side = LiftSides(filter, other, roots)
      counter.run(traces.lazy.map { ($0.range, side.of(spans[$0.root])) }) { range, body in
        for i in range { Self.visit(spans[i], body) }
      }
    case .spans:
      let side = LiftSides(filter, other, spans)
      counter.run(spans.indices.lazy.map { ($0, side.of(spans[$0])) }) { i, body in Self.visit(spans[i], body) }
    case .logs:
      let side = LiftSides(filter, other, logs)
      let units = logUnits()
      // A unit is chosen when one of its records is: an access line tells the duration for all of them.
      counter.run(units.lazy.map { unit in (unit, unit.lazy.compactMap { side.of(logs[$0]) }.max()) }) { unit, body in
        for i in unit { Self.visit(logs[i], body) }
      }
    }
    return counter.result(unit: source.rawValue)
  }

  /// Places of logs by trace, in the order in which the traces first come.
  private func logUnits() -> [[Int]] {
    var units: [[Int]] = []
    var places: [TraceID: Int] = [:]
    for (i, log) in logs.enumerated() {
      if !log.record.traceID.isNone, let place = places[log.record.traceID] {
        units[place].append(i)
      } else {
        places[log.record.traceID] = units.count
        units.append([i])
      }
    }
    return units
  }

  private static func visit(_ one: OriginatedSpan, _ body: (_ attributes: [Attribute], _ origin: SpanOrigin?) -> Void) {
    body(one.span.attributes, one.origin)
    body([Attribute("name", .string(one.span.name))], nil)
  }

  private static func visit(_ log: Log, _ body: (_ attributes: [Attribute], _ origin: SpanOrigin?) -> Void) {
    body(log.record.attributes, log.origin)
    if let text = log.record.body.string { body([Attribute("body", .string(maskedMessage(text)))], nil) }
    if !log.record.severity.name.isEmpty { body([Attribute("severity", .string(log.record.severity.name))], nil) }
  }
}

/// Which side of the question a record is on. The larger one wins where records of one unit differ.
private enum LiftSide: Int, Comparable {
  case rest, chosen
  static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

private struct LiftSides {
  let chosen: TelemetrySelection
  let other: TelemetrySelection?

  init<S: Sequence>(_ filter: TelemetryFilter, _ other: TelemetryFilter?, _ records: S) where S.Element: TelemetrySubject {
    chosen = TelemetrySelection(filter, over: records)
    self.other = other.map { TelemetrySelection($0, over: records) }
  }

  /// nil: not looked at.
  func of(_ record: some TelemetrySubject) -> LiftSide? {
    if let other { return chosen.contains(record) ? .chosen : other.contains(record) ? .rest : nil }
    if chosen.divides, !chosen.isInScope(record) { return nil }
    return chosen.contains(record) ? .chosen : .rest
  }
}

/// Counts units by value, for both sides.
private struct LiftCounter {
  let excluded: Set<String>
  private var numbers = ValueNumbers()
  private var hits: [Int32] = []
  private var marked: [Int32] = []
  /// The last unit that counted for a value, so that it counts once.
  private var last: [Int32] = []
  /// Numbers of a resource's attributes: the same for thousands of records.
  private var ofOrigin: [ObjectIdentifier: [Int]] = [:]
  private var chosen = 0
  private var total = 0

  init(excluded: Set<String>) { self.excluded = excluded }

  mutating func run<Unit, Units: Sequence>(
    _ units: Units, _ visit: (Unit, (_ attributes: [Attribute], _ origin: SpanOrigin?) -> Void) -> Void
  ) where Units.Element == (Unit, LiftSide?) {
    // Numbers go first to what is frequent among the chosen, so that a flood of other values cannot displace it.
    var frequent: [String: FrequentValues] = [:]
    var keys: [String] = []
    for (unit, side) in units where side == .chosen {
      visit(unit) { attributes, _ in
        for attribute in attributes {
          if frequent[attribute.key] == nil {
            guard keys.count < ValueNumbers.keysMax else { continue }
            keys.append(attribute.key)
            frequent[attribute.key] = FrequentValues(room: 4_095)
          }
          frequent[attribute.key]!.add(attribute.value)
        }
      }
    }
    for key in keys {
      // In an order of their own: a dictionary's differs from process to process.
      for value in frequent[key]!.values.sorted(by: { ($0.label ?? "") < ($1.label ?? "") }) { _ = number(key, value) }
    }
    frequent = [:]
    for (unit, side) in units {
      guard let side else { continue }
      total += 1
      if side == .chosen { chosen += 1 }
      visit(unit) { attributes, origin in
        for attribute in attributes { if let n = number(attribute.key, attribute.value) { count(n, side) } }
        if let origin { for n in originNumbers(origin) { count(n, side) } }
      }
    }
  }

  private mutating func number(_ key: String, _ value: AttributeValue) -> Int? {
    if excluded.contains(key) { return nil }
    guard let n = numbers.number(key, value) else { return nil }
    if n == hits.count {
      hits.append(0)
      marked.append(0)
      last.append(0)
    }
    return n
  }

  private mutating func originNumbers(_ origin: SpanOrigin) -> [Int] {
    if let known = ofOrigin[ObjectIdentifier(origin)] { return known }
    let found = origin.resource.attributes.compactMap { number($0.key, $0.value) }
    if ofOrigin.count < 65_536 { ofOrigin[ObjectIdentifier(origin)] = found }
    return found
  }

  @inline(__always)
  private mutating func count(_ n: Int, _ side: LiftSide) {
    guard last[n] != Int32(truncatingIfNeeded: total) else { return }
    last[n] = Int32(truncatingIfNeeded: total)
    marked[n] += 1
    if side == .chosen { hits[n] += 1 }
  }

  func result(unit: String) -> AttributeLifts {
    // Values without a number are tests too; how many different ones there were is not known, so each time counts.
    let tried = numbers.pairs.count + numbers.unnumbered
    var rows: [AttributeLifts.Row] = []
    for (n, pair) in numbers.pairs.enumerated() where hits[n] > 0 {
      let (hits, marked) = (Int(hits[n]), Int(marked[n]))
      // Not commoner than in all: p is near 1, and 1 is on the safe side.
      guard hits * total > marked * chosen, let lift = lift(hits: hits, chosen: chosen, marked: marked, total: total) else { continue }
      let p = fisherUpperTail(hits: hits, drawn: chosen, marked: marked, total: total)
      rows.append(
        AttributeLifts.Row(
          attribute: shortened(pair.key), value: shortened(pair.value.label ?? ""), hits: hits, marked: marked,
          lift: Estimate(lift.value, low: lift.interval.low, high: lift.interval.high), p: p))
    }
    for (i, p) in holm(rows.map(\.p), family: tried).enumerated() { rows[i].p = p }
    // What is so rare that not even one hit was to be expected says nothing unless it was found: thousands of ids would.
    rows.removeAll { !$0.isFound && $0.marked * chosen < total }
    rows.sort { a, b in
      if a.isFound != b.isFound { return a.isFound }
      return (b.lift.low ?? 0, a.attribute, a.value) < (a.lift.low ?? 0, b.attribute, b.value)
    }
    return AttributeLifts(unit: unit, chosen: chosen, total: total, rows: Array(rows.prefix(TelemetryCapture.liftRowsMax)), tried: tried)
  }
}

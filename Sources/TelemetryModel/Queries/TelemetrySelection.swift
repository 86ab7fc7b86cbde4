// Conditions of the filter language against records. Quantiles become numbers first, of the records that pass the conditions on
// attributes, so that `http.route==/checkout, duration>p(95)` means the slowest 5 % of that route.

import ExperimentModel

/// What a condition may ask of a record.
protocol TelemetrySubject {
  /// Nanoseconds; negative ones count as 0.
  var durationOfSubject: Int64? { get }
  var statusOfSubject: String { get }
  var kindOfSubject: SpanKind? { get }
  var nameOfSubject: String { get }
  var severityOfSubject: LogSeverity? { get }
  /// Its own, or else its resource's.
  func attribute(_ key: String) -> AttributeValue?
}

extension OriginatedSpan: TelemetrySubject {
  var durationOfSubject: Int64? { max(0, span.duration) }
  /// An error also by the status code of HTTP, as the conventions want it set.
  var statusOfSubject: String { SemanticConventions.hasFailed(span) ? "error" : span.status.code == .ok ? "ok" : "unset" }
  var kindOfSubject: SpanKind? { span.kind }
  var nameOfSubject: String { span.name }
  var severityOfSubject: LogSeverity? { nil }
  func attribute(_ key: String) -> AttributeValue? { span.attributes[key] ?? origin.resource.attributes[key] }
}

extension TelemetryCapture.Log: TelemetrySubject {
  var durationOfSubject: Int64? { duration.map { max(0, $0) } }
  var statusOfSubject: String { record.severity >= .error ? "error" : "unset" }
  var kindOfSubject: SpanKind? { nil }
  var nameOfSubject: String { record.eventName }
  var severityOfSubject: LogSeverity? { record.severity }
  func attribute(_ key: String) -> AttributeValue? { record.attributes[key] ?? origin.resource.attributes[key] }
}

/// A filter whose quantiles are known.
struct TelemetrySelection {
  private struct Test {
    var condition: TelemetryCondition
    /// What to compare with, for comparisons of numbers; nil when there was nothing to take a quantile of.
    var limit: Double?
    var text: String
  }
  private var scope: [Test] = []
  private var outcomes: [Test] = []

  /// - Complexity: memory of one number for each record, while a quantile is taken.
  init<S: Sequence>(_ filter: TelemetryFilter, over records: S) where S.Element: TelemetrySubject {
    for condition in filter.conditions where !condition.isOutcome { scope.append(Self.test(condition)) }
    let fields = Set(filter.conditions.compactMap { if case .quantile = $0.operand { $0.field } else { nil } }).sorted()
    var values = [[Double]](repeating: [], count: fields.count)
    if !fields.isEmpty {
      for record in records where isInScope(record) {
        for i in fields.indices {
          if let value = Self.number(fields[i], record) { values[i].append(value) }
        }
      }
      for i in fields.indices { values[i].sort() }
    }
    for condition in filter.conditions where condition.isOutcome {
      var test = Self.test(condition)
      if case .quantile(let q) = condition.operand { test.limit = nearestRank(fields.firstIndex(of: condition.field).map { values[$0] } ?? [], q) }
      outcomes.append(test)
    }
  }

  /// Whether the conditions on attributes hold.
  func isInScope(_ record: some TelemetrySubject) -> Bool { scope.allSatisfy { Self.holds($0, record) } }

  /// Whether all conditions hold.
  func contains(_ record: some TelemetrySubject) -> Bool { isInScope(record) && outcomes.allSatisfy { Self.holds($0, record) } }

  /// Conditions that divide what is in scope.
  var divides: Bool { !outcomes.isEmpty }

  private static func test(_ condition: TelemetryCondition) -> Test {
    switch condition.operand {
    case .text(let text):
      let severity = condition.field == "severity" ? TelemetryCondition.severities.firstIndex(of: text).map { Double(1 + 4 * $0) } : nil
      return Test(condition: condition, limit: severity, text: text)
    case .quantity(let quantity): return Test(condition: condition, limit: quantity.value, text: "")
    case .quantile: return Test(condition: condition, limit: nil, text: "")
    }
  }

  private static func number(_ field: String, _ record: some TelemetrySubject) -> Double? {
    let value = field == "duration" ? record.durationOfSubject.map(Double.init) : record.attribute(field)?.number
    return value.flatMap { $0.isNaN ? nil : $0 }
  }

  private static func holds(_ test: Test, _ record: some TelemetrySubject) -> Bool {
    let comparison = test.condition.comparison
    if test.condition.field == "severity" {
      // A range of four numbers has one name: `severity==warn` holds for WARN2 too.
      guard let severity = record.severityOfSubject, severity.number > 0, let limit = test.limit else { return comparison == .notEqual }
      return compare(Double((severity.number - 1) / 4 * 4 + 1), comparison, limit)
    }
    if comparison.isOrder {
      guard let value = number(test.condition.field, record), let limit = test.limit else { return false }
      return compare(value, comparison, limit)
    }
    let isEqual: Bool
    switch test.condition.field {
    case "status": isEqual = record.statusOfSubject == test.text
    case "kind": isEqual = record.kindOfSubject.map { "\($0)" == test.text } ?? false
    case "name": isEqual = record.nameOfSubject == test.text
    // What a record does not have is not equal to anything.
    default: isEqual = record.attribute(test.condition.field)?.label == test.text
    }
    return isEqual == (comparison == .equal)
  }

  private static func compare(_ a: Double, _ comparison: TelemetryCondition.Comparison, _ b: Double) -> Bool {
    switch comparison {
    case .equal: a == b
    case .notEqual: a != b
    case .less: a < b
    case .lessOrEqual: a <= b
    case .greater: a > b
    case .greaterOrEqual: a >= b
    }
  }
}

/// The value of nearest rank, ⌈q·n⌉, of rising values; nil without any.
func nearestRank(_ sorted: [Double], _ q: Double) -> Double? {
  sorted.isEmpty ? nil : sorted[max(0, min(sorted.count, Int((q * Double(sorted.count)).rounded(.up))) - 1)]
}

/// Values that each stand for some number of records, for quantiles of sampled telemetry. Exact; memory of two numbers a value.
struct WeightedValues {
  private var values: [(value: Double, weight: Double)] = []
  private(set) var weight = 0.0
  private var isSorted = true

  mutating func add(_ value: Double, weight added: Double = 1) {
    values.append((value, added))
    weight += added
    isSorted = false
  }

  /// The first value up to which at least the share q of the weight lies; nil without values.
  mutating func quantile(_ q: Double) -> Double? {
    if !isSorted {
      values.sort { $0.value < $1.value }
      isSorted = true
    }
    // A hair below, so that sums of weights such as 0.1 do not move the rank.
    let wanted = q * weight * (1 - 1e-12)
    var before = 0.0
    for one in values {
      before += one.weight
      if before >= wanted { return one.value }
    }
    return values.last?.value
  }
}

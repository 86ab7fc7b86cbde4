// The filter language of observe blocks, one condition a line, all of which must hold:
//
//   duration>p(95)   duration<100ms   http.route==/checkout   status==error   service.name!=edge   severity>=warn
//
// A condition is parsed without its place; who reads the file adds it. How it is evaluated is TelemetryModel's.

public struct TelemetryCondition: Codable, Hashable, Sendable {
  public enum Comparison: String, Codable, Sendable, CaseIterable {
    case equal = "==", notEqual = "!=", lessOrEqual = "<=", greaterOrEqual = ">=", less = "<", greater = ">"
    public var isOrder: Bool { self != .equal && self != .notEqual }
  }

  public enum Operand: Codable, Hashable, Sendable {
    case text(String)
    case quantity(Quantity)
    /// 0…1: of the values of the field among the records that pass the conditions on attributes.
    case quantile(Double)
  }

  /// `duration`, `status`, `kind`, `name`, `severity`, or the key of an attribute of the record or its resource.
  public var field: String
  public var comparison: Comparison
  public var operand: Operand

  public init(_ field: String, _ comparison: Comparison, _ operand: Operand) {
    self.field = field
    self.comparison = comparison
    self.operand = operand
  }

  /// About how it went and not about who it was: a duration, a status, a severity, or any quantile. Conditions on attributes
  /// say what is looked at; these divide it.
  public var isOutcome: Bool {
    if case .quantile = operand { return true }
    return ["duration", "status", "severity"].contains(field)
  }
}

/// Conditions that must all hold; none: everything.
public struct TelemetryFilter: Codable, Hashable, Sendable {
  public var conditions: [TelemetryCondition]
  public init(_ conditions: [TelemetryCondition] = []) { self.conditions = conditions }

  public static let all = TelemetryFilter()

  /// The fields that are asked for.
  public var fields: Set<String> { Set(conditions.map(\.field)) }
}

/// Why a condition cannot be read, and what to write.
public struct TelemetryFilterProblem: Error, Hashable, Sendable {
  public var cause: String
  public var remedy: String
  public init(_ cause: String, remedy: String) {
    self.cause = cause
    self.remedy = remedy
  }
}

extension TelemetryCondition {
  public static let statuses = ["ok", "error", "unset"]
  public static let kinds = ["internal", "server", "client", "producer", "consumer", "unspecified"]
  public static let severities = ["trace", "debug", "info", "warn", "error", "fatal"]

  /// Reads `FIELD OPERATOR VALUE`; spaces around the operator and quotes around the value do not matter.
  ///
  /// - Parameter quantity: reads `100ms` and `500`; PerfLanguage's own, so that a unit is spelled alike everywhere.
  public init(parsing text: String, quantity: (String) -> Quantity?) throws(TelemetryFilterProblem) {
    let bytes = text.utf8
    guard let start = bytes.firstIndex(where: { "=!<>".utf8.contains($0) }) else {
      throw TelemetryFilterProblem("`\(text)` compares nothing", remedy: "write a field, an operator and a value, such as `duration>p(95)`")
    }
    let rest = text[start...]
    guard let comparison = Comparison.allCases.first(where: { rest.hasPrefix($0.rawValue) }) else {
      throw TelemetryFilterProblem(
        "`\(text)` has no operator that is known", remedy: "write one of \(Comparison.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))")
    }
    let field = Self.trimmed(text[..<start])
    guard !field.isEmpty, !field.contains(" ") else {
      throw TelemetryFilterProblem(
        "`\(text)` names no field before `\(comparison.rawValue)`", remedy: "write `duration`, `status`, `kind`, `name`, `severity` or an attribute's key")
    }
    let written = Self.trimmed(rest.dropFirst(comparison.rawValue.count))
    let isQuoted = written.count >= 2 && written.hasPrefix("\"") && written.hasSuffix("\"")
    let value = isQuoted ? String(written.dropFirst().dropLast()) : written
    guard isQuoted || !value.isEmpty else {
      throw TelemetryFilterProblem(
        "`\(text)` compares with nothing", remedy: "write a value behind `\(comparison.rawValue)`, or `\(field)\(comparison.rawValue)\"\"` for an empty one")
    }
    if !isQuoted, "=<>".contains(value.first ?? " ") {
      throw TelemetryFilterProblem("`\(text)` has two operators", remedy: "write one of them, or quotes around a value that begins with one")
    }
    if isQuoted, !comparison.isOrder, !["status", "kind", "severity", "duration"].contains(field) {
      self.init(field, comparison, .text(value))
    } else {
      self.init(field, comparison, try Self.operand(field, comparison, value, isQuoted ? { _ in nil } : quantity))
    }
  }

  private static func operand(
    _ field: String, _ comparison: Comparison, _ value: String, _ quantity: (String) -> Quantity?
  ) throws(TelemetryFilterProblem) -> Operand {
    if value.hasPrefix("p("), value.hasSuffix(")") {
      guard let percent = Double(value.dropFirst(2).dropLast()), percent > 0, percent < 100 else {
        throw TelemetryFilterProblem("`\(value)` is no quantile", remedy: "write a percentage between 0 and 100, such as `p(95)`")
      }
      guard comparison.isOrder else {
        throw TelemetryFilterProblem(
          "`\(comparison.rawValue)` with a quantile holds for one record by luck", remedy: "write `\(field)>\(value)` or `\(field)<\(value)`")
      }
      return .quantile(percent / 100)
    }
    switch field {
    case "duration":
      guard let time = quantity(value), time.unit == .nanoseconds else {
        throw TelemetryFilterProblem("`\(value)` is no duration", remedy: "write a time with its unit or a quantile: `duration>100ms`, `duration>p(95)`")
      }
      guard comparison.isOrder else {
        throw TelemetryFilterProblem("no two durations are equal to the nanosecond", remedy: "write `<` or `>`")
      }
      return .quantity(time)
    case "status": return try word(field, comparison, value, statuses, isOrdered: false)
    case "kind": return try word(field, comparison, value, kinds, isOrdered: false)
    case "severity": return try word(field, comparison, value, severities, isOrdered: true)
    default:
      guard comparison.isOrder else { return .text(value) }
      guard let number = quantity(value) else {
        throw TelemetryFilterProblem(
          "`\(comparison.rawValue)` compares numbers, and `\(value)` is none", remedy: "write a number, a quantile such as `p(95)`, or `==`")
      }
      return .quantity(number)
    }
  }

  private static func word(
    _ field: String, _ comparison: Comparison, _ value: String, _ known: [String], isOrdered: Bool
  ) throws(TelemetryFilterProblem) -> Operand {
    let word = value.lowercased()
    guard known.contains(word) else {
      throw TelemetryFilterProblem("`\(value)` is no \(field)", remedy: "write one of \(known.joined(separator: ", "))")
    }
    guard isOrdered || !comparison.isOrder else {
      throw TelemetryFilterProblem("a \(field) has no order", remedy: "write `==` or `!=`")
    }
    return .text(word)
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    var part = text[...]
    while part.first == " " { part = part.dropFirst() }
    while part.last == " " { part = part.dropLast() }
    return String(part)
  }

  /// As it is written.
  public var text: String {
    switch operand {
    case .text(let value): field + comparison.rawValue + (needsQuotes(value) ? "\"\(value)\"" : value)
    case .quantity(let quantity): field + comparison.rawValue + Self.number(quantity.value) + (quantity.unit == .nanoseconds ? "ns" : "")
    case .quantile(let q): field + comparison.rawValue + "p(\(Self.number((q * 1e9).rounded() / 1e7)))"
    }
  }

  private func needsQuotes(_ value: String) -> Bool {
    value.isEmpty || value.hasPrefix("p(") || value.contains { " \"".contains($0) } || "=<>".contains(value.first ?? " ")
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
  }
}

// `nb bench --json` and `--export json|csv`: a bench run for other programs. The shapes of the exports are those of hyperfine 1.x
// (benchmark_result.rs and csv.rs of its sources), so that whatever reads its exports reads ours. (hyperfine 2 has others; what
// reads the first remains common.) Next to it: BenchMarkdown.swift for a page, GoBenchmarkFormat.swift for benchstat.

import ExperimentModel
import Foundation

/// The formats of `--export`.
public enum BenchExport: String, CaseIterable, Sendable {
  case json, csv, md, benchfmt

  /// The whole file, with its final line ending.
  /// - Throws: what Foundation's encoder throws; `csv`, `md` and `benchfmt` never do.
  public func text(of report: BenchReport) throws -> String {
    switch self {
    case .json: try hyperfineJSON(report)
    case .csv: hyperfineCSV(report)
    case .md: benchMarkdown(report)
    case .benchfmt: goBenchmarkText(report)
    }
  }
}

// MARK: JSON

/// hyperfine's document, `{"results": […]}` with times in seconds, and under our own key `nb` the whole report, exact,
/// so that nothing is lost: `parseBenchJSON(hyperfineJSON(x)) == x`.
///
/// As in hyperfine `user` and `system` are means, `stddev` is null for a single run, `memory_usage_byte` and `parameters`
/// are left out where there are none. What could not be measured is null, never 0.
public func hyperfineJSON(_ report: BenchReport) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  let data = try encoder.encode(HyperfineDocument(results: report.subjects.map(hyperfineResult), nb: report))
  return String(decoding: joiningNumberLists([UInt8](data)), as: UTF8.self) + "\n"
}

/// Reads what `hyperfineJSON` wrote, from its key `nb`.
/// - Throws: `ResultsFileError`, also for an export of hyperfine itself, which holds no pairs and no verdicts.
public func parseBenchJSON(_ bytes: [UInt8]) throws -> BenchReport {
  struct Ours: Decodable { var nb: BenchReport }
  let decoder = JSONDecoder()
  decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  do {
    return try decoder.decode(Ours.self, from: Data(bytes)).nb
  } catch {
    throw ResultsFileError(
      cause: "this is not an export of `nb bench`: its key `nb` is missing or of another version",
      remedy: "write it again with `nb bench --export json`")
  }
}

private struct HyperfineDocument: Encodable {
  var results: [JSONValue]
  var nb: BenchReport
}

private func hyperfineResult(_ subject: BenchSubject) -> JSONValue {
  let times = subject.times.map { $0 / 1e9 }
  let finite = times.filter(\.isFinite)
  var members: [String: JSONValue] = [
    "command": .text(subject.source),
    "mean": .number(orNull: arithmeticMean(times)),
    "stddev": .number(orNull: standardDeviation(times)),
    "median": .number(orNull: middle(times)),
    "user": .number(orNull: arithmeticMean(subject.user).map { $0 / 1e9 }),
    "system": .number(orNull: arithmeticMean(subject.system).map { $0 / 1e9 }),
    "min": .number(orNull: finite.min()),
    "max": .number(orNull: finite.max()),
    "times": .list(times.map { .number(orNull: $0) }),
    "exit_codes": .list(subject.exitCodes.map { $0.map(JSONValue.integer) ?? .null }),
  ]
  if !subject.residentMax.isEmpty {
    // hyperfine writes whole bytes; a reader may refuse a fraction.
    members["memory_usage_byte"] = .list(subject.residentMax.map { Int(exactly: $0.rounded()).map(JSONValue.integer) ?? .null })
  }
  if !subject.parameters.isEmpty { members["parameters"] = .object(subject.parameters.mapValues(JSONValue.text)) }
  return .object(members)
}

/// `nb bench --json`: one object a line and comparison, times in ns.
///
/// Members: `title`, `subjects` (`baseline` and `candidate`, each with `name`, `source`, `median_ns`, `interval_ns`),
/// `estimate` (baseline ÷ candidate) with `interval`, `delta_ns` with `delta_interval_ns`, `verdict`, `pairs`,
/// `pairs_effective`, `pairs_to_decide`, `minimum_detectable_effect`, `control` with `control_interval`, `evidence`,
/// `machine`, `environment`, `doubts`. What is not known is null. A run of a single subject compares nothing: it gives
/// one line with that subject as `baseline`, `candidate` and `verdict` null.
public func benchJSONLines(_ report: BenchReport) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  let rows: [BenchComparison?] = report.comparisons.isEmpty ? [nil] : report.comparisons
  return try rows.map { row in
    String(decoding: try encoder.encode(comparisonObject(row, report)), as: UTF8.self) + "\n"
  }.joined()
}

private func comparisonObject(_ comparison: BenchComparison?, _ report: BenchReport) -> JSONValue {
  func subject(_ index: Int?) -> JSONValue {
    guard let index, report.subjects.indices.contains(index) else { return .null }
    let one = report.subjects[index]
    return .object([
      "name": .text(one.name), "source": .text(one.source), "median_ns": .number(orNull: one.shownMedian?.value),
      "interval_ns": interval(one.shownMedian),
    ])
  }
  func interval(_ estimate: Estimate?) -> JSONValue {
    guard let low = estimate?.low, let high = estimate?.high else { return .null }
    return .list([.number(orNull: low), .number(orNull: high)])
  }
  return .object([
    "title": .text(report.title),
    "subjects": .object(["baseline": subject(report.baseline), "candidate": subject(comparison?.candidate)]),
    "estimate": .number(orNull: comparison?.ratio?.value), "interval": interval(comparison?.ratio),
    "delta_ns": .number(orNull: comparison?.delta?.value), "delta_interval_ns": interval(comparison?.delta),
    "verdict": comparison.map { .text($0.verdict.rawValue) } ?? .null,
    "pairs": comparison.map { .integer($0.pairs) } ?? .null,
    "pairs_effective": .number(orNull: comparison?.pairsEffective),
    "pairs_to_decide": comparison?.pairsToDecide.map(JSONValue.integer) ?? .null,
    "minimum_detectable_effect": .number(orNull: comparison?.minimumDetectableEffect),
    "control": .number(orNull: report.control?.value), "control_interval": interval(report.control),
    "evidence": .text(report.evidence.rawValue), "machine": .text(report.machine.rawValue),
    "environment": .text(report.environment),
    "doubts": .list(report.doubts.map { .object(["id": .text($0.id), "text": .text($0.text)]) }),
  ])
}

// MARK: CSV

/// hyperfine's columns, in seconds: `command,mean,stddev,median,user,system,min,max,parameter_*`.
///
/// Fields are quoted as RFC 4180 says; lines end with LF, as hyperfine's do. Where hyperfine writes 0 for an unknown
/// deviation the field is empty here. A command that begins with `=`, `+`, `-` or `@` is left as it is: a spreadsheet
/// may take it for a formula, but a prefix against that would make it another command. Import the column as text.
public func hyperfineCSV(_ report: BenchReport) -> String {
  let parameters = Set(report.subjects.flatMap { $0.parameters.keys }).sorted()
  var rows = [["command", "mean", "stddev", "median", "user", "system", "min", "max"] + parameters.map { "parameter_\($0)" }]
  for subject in report.subjects {
    let finite = subject.times.filter(\.isFinite)
    let numbers = [
      arithmeticMean(finite), standardDeviation(finite), middle(finite), arithmeticMean(subject.user),
      arithmeticMean(subject.system), finite.min(), finite.max(),
    ]
    let seconds = numbers.map { number in number.map { plainNumber($0 / 1e9) } ?? "" }
    rows.append([subject.source] + seconds + parameters.map { subject.parameters[$0] ?? "" })
  }
  return rows.map { $0.map(csvField).joined(separator: ",") + "\n" }.joined()
}

/// A field of RFC 4180: quoted when it holds a comma, a quote or a line ending.
func csvField(_ text: String) -> String {
  // Scalars, not Characters: Swift counts CR LF as one Character that is neither.
  guard text.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else { return text }
  var out = String.UnicodeScalarView("\"".unicodeScalars)
  for scalar in text.unicodeScalars {
    if scalar == "\"" { out.append(scalar) }
    out.append(scalar)
  }
  out.append("\"")
  return String(out)
}

/// The shortest text that reads back as the same number, in every locale; never a negative zero.
func plainNumber(_ value: Double) -> String {
  guard value != 0 else { return "0" }
  let text = "\(value)"
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}

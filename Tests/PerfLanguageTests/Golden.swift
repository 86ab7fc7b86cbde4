// Golden folders: an input beside what nb says about it. UPDATE_GOLDEN=1 rewrites the expectations for
// review; without it a difference fails.

import DocumentModel
import ExperimentModel
import Foundation
import PerfLanguage
import Testing
import TextModel

enum Golden {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Golden")
  static let repository = root.deletingLastPathComponent().deletingLastPathComponent()

  /// The folders of a group that hold `file`.
  static func cases(_ group: String, with file: String = "input.md") -> [String] {
    let folder = root.appendingPathComponent(group)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { FileManager.default.fileExists(atPath: folder.appendingPathComponent("\($0)/\(file)").path) }.sorted()
  }

  static func input(_ group: String, _ name: String) throws -> SourceText {
    let data = try Data(contentsOf: root.appendingPathComponent("\(group)/\(name)/input.md"))
    return SourceText(path: "input.md", bytes: [UInt8](data))
  }

  static func check(_ text: String, _ group: String, _ name: String, _ file: String) throws {
    let url = root.appendingPathComponent("\(group)/\(name)/\(file)")
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
      try Data(text.utf8).write(to: url)
      return
    }
    let expected = try? String(contentsOf: url, encoding: .utf8)
    #expect(text == expected, "\(group)/\(name): run with UPDATE_GOLDEN=1 and review the difference")
  }

  /// The facts that the cases may use: one fresh, one stale, one observation without a unit.
  static let context = PlanContext(
    facts: Dictionary(
      uniqueKeysWithValues: [
        fact("vcpu-hour", "0.0408 USD/h", 0.0408, .usdPerHour, "2026-06-17"),
        fact("old-price", "0.05 USD/h", 0.05, .usdPerHour, "2024-01-01", stale: true),
        fact("amazon-100ms", "0.01 per 100 ms", 0.01, .plain, "2006-11-28"),
      ].map { ($0.id, $0) }))

  static func fact(_ id: String, _ value: String, _ number: Double, _ unit: MetricUnit, _ asOf: String, stale: Bool = false)
    -> MarketFact
  {
    MarketFact(
      id: id, statement: id, value: value, number: number, unit: unit, asOf: asOf, source: "https://example.org/\(id)",
      sourceKind: "secondary",
      strength: nil, ttlDays: 180, stale: stale, usedBy: [])
  }
}

/// A notebook planned, with what was found.
func plan(_ text: String, _ context: PlanContext = Golden.context) -> (planned: PlannedNotebook, found: [Diagnostic]) {
  plan(SourceText(path: "input.md", text: text), context)
}

func plan(_ source: SourceText, _ context: PlanContext = Golden.context) -> (planned: PlannedNotebook, found: [Diagnostic]) {
  var diagnostics = Diagnostics()
  let planned = Planner(context).plan(Document(parsing: source), diagnostics: &diagnostics)
  return (planned, diagnostics.all)
}

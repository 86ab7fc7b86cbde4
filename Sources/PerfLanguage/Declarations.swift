// Declaring blocks: `lesson` and `runbook`. (`system` is in SystemReading.swift.)

import ExperimentModel
import StrictYAML
import TextModel

extension Planning {
  func readLesson(_ block: Block) -> LessonSpec? {
    let fields = Fields(block.node, .lesson, findings)
    var claims: [Claim] = []
    for item in fields.items("claims") {
      let claim = Fields(item, .claim, findings)
      guard let id = claim.text("id"), let text = claim.text("text"), let source = claim.text("verified_by") else { continue }
      if claims.contains(where: { $0.id == id }) {
        findings.error(
          PerfDiagnosticID.duplicateName, "two claims are called `\(id)`", remedy: "give each its own id", at: claim.place("id"))
      }
      claims.append(Claim(id: id, text: text, verifiedBy: source))
      claimPlaces.append((source, claim.contents("verified_by")?.range ?? item.range))
    }
    var minutes: [String: Int] = [:]
    if let parts = fields.fields("minutes") {
      for key in Shape.minutes.keys { minutes[key.name] = parts.has(key.name) ? parts.integer(key.name) : nil }
    }
    let seed = UInt64(fields.integer("seed") ?? 1)
    lessonSeed = seed
    guard let id = fields.text("id"), let day = fields.integer("day"), let title = fields.text("title") else { return nil }
    lessonTimePlace = fields.has("block_time") ? fields.place("block_time") : nil
    return LessonSpec(id: id, day: day, title: title, seed: seed, claims: claims, minutes: minutes, blockTime: readBlockTime(fields))
  }

  func readRunbook(_ block: Block) -> RunbookSpec? {
    let fields = Fields(block.node, .runbook, findings)
    var metrics: [RunbookMetric] = []
    for item in fields.items("metrics") {
      let metric = Fields(item, .runbookMetric, findings)
      guard let name = metric.text("name") else { continue }
      if Metric.named(name) == nil {
        findings.error(
          PerfDiagnosticID.unknownMetric, "there is no metric `\(name)`",
          remedy: suggestion(for: name, among: Metric.all.map(\.name), what: "metrics"),
          at: metric.contents("name")?.range ?? item.range)
      }
      metrics.append(RunbookMetric(name: name, warn: metric.text("warn"), page: metric.text("page")))
    }
    let links = fields.texts("links")
    for (id, place) in links where blockOf[id] == nil {
      findings.error(
        PerfDiagnosticID.unknownBlock, "there is no block `\(id)` in this notebook",
        remedy: suggestion(for: id, among: blocks.map(\.id), what: "blocks"), at: place)
    }
    guard let symptom = fields.text("symptom") else { return nil }
    return RunbookSpec(id: block.id, symptom: symptom, metrics: metrics, steps: fields.texts("steps").map(\.text), links: links.map(\.text))
  }
}

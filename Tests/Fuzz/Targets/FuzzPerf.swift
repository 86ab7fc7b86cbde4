// Any bytes as a perf block, and any text as a notebook: planned, laid out and explained. Findings have a place; laying out is done
// once, and a block says the same after it.

import DocumentModel
import ExperimentModel
import PerfLanguage
import StrictYAML
import TextModel

@Sendable public func fuzzPerf(_ bytes: UnsafeRawBufferPointer) throws {
  let raw = SourceText(path: "a.yml", bytes: Array(bytes))
  var found = Diagnostics()
  _ = YAMLNode(parsing: raw, diagnostics: &found)
  try places(found, raw)

  let text = Array(bytes)
  let isNotebook = Array("```perf".utf8).withUnsafeBytes { mark in bytes.indices.contains { bytes[$0...].starts(with: mark) } }
  let source = SourceText(path: "a.md", bytes: isNotebook ? text : Array("```perf\n".utf8) + text + Array("\n```\n".utf8))
  let document = Document(parsing: source)
  let planned = try plan(document)

  let laidOut = Document(parsing: source.applying(formattingEdits(document)))
  try require(formattingEdits(laidOut).isEmpty, "laying out twice is laying out once")
  try require(plan(laidOut).plan == planned.plan, "a block says the same when it is laid out")

  let planner = Planner(context)
  _ = planner.questionParts(of: document)
  for block in planned.blocks { _ = explain(document, id: block.id, context: context) }
  let analysis = NotebookAnalysis(document, context)
  for block in planned.blocks { _ = (analysis.block(block.id), analysis.parts(of: block.id), analysis.inputs(of: block.id)) }
}

private let context = PlanContext(
  courseMoney: [:], learnerSeed: 7, data: { name in name == "a.csv" ? "date,value,commit\n2026-01-01,1,a\n2026-01-02,2,b\n" : nil })

private func plan(_ document: Document) throws -> PlannedNotebook {
  var found = Diagnostics()
  let planned = Planner(context).plan(document, diagnostics: &found)
  try places(found, document.source)
  return planned
}

private func places(_ found: Diagnostics, _ source: SourceText) throws {
  for one in found.all.prefix(50) {
    if let range = one.range { try require(range.upper <= source.bytes.count, "a finding lies in its text: \(one.cause)") }
    try require(!one.rendered(in: source).isEmpty, "a finding can be shown")
  }
}

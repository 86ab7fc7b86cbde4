// Check blocks, and what all executing blocks share: judgements, plots, times.

import ExperimentModel
import StrictYAML
import TextModel

extension Planning {
  // MARK: Shared

  /// The system that `uses` names, or nil after a report.
  func system(named fields: Fields, of block: Block) -> SystemDraft? {
    guard let name = fields.text("uses") else { return nil }
    return system(name, at: fields.contents("uses")?.range ?? fields.place("uses"))
  }

  /// A cell but for what refers to other blocks, which References.swift adds.
  func finish(_ block: Block, _ fields: Fields, _ work: Work, _ face: BlockFace, _ plots: [PlotSpec]) -> CellDraft {
    let judge = JudgementReader(face: face, findings: findings)
    let hasThresholds = fields.shape.key("thresholds") != nil
    let hasExpect = fields.shape.key("expect") != nil
    var cell = Cell(
      id: block.id, title: fields.text("title"), work: work,
      thresholds: hasThresholds ? judge.thresholds(fields.contents("thresholds")) : [],
      expects: hasExpect ? judge.expectations(fields.contents("expect")) : [], plots: plots, blockTime: readBlockTime(fields),
      why: fields.text("why"), inputs: "")
    if fields.shape.key("requires") != nil { cell.requires = readRequirements(fields) }
    return CellDraft(block: block, cell: cell, face: face, gates: fields.texts("gate"))
  }

  private func readRequirements(_ fields: Fields) -> Requirements? {
    guard let needs = fields.fields("requires") else { return nil }
    var wanted = Requirements(os: needs.text("os").flatMap(Requirements.System.init), cores: needs.integer("cores"))
    if needs.has("tools") { wanted.tools = needs.texts("tools").map(\.text) }
    for (tool, place) in needs.texts("tools") where tool.isEmpty || tool.contains(where: { $0.isWhitespace || $0 == "/" }) {
      findings.error(
        PerfDiagnosticID.badName, "`\(tool)` is not the name of a program on the PATH", remedy: "one name without a folder, such as `java`", at: place)
    }
    if case .size(let bytes)? = needs.value("disk") { (wanted.disk, wanted.diskText) = (bytes, needs.contents("disk")?.text) }
    if wanted == Requirements(), !needs.isBroken {
      findings.error(
        PerfDiagnosticID.outOfRange, "`requires` is empty: every machine has that", remedy: "such as {tools: [java]}, or leave it out",
        at: fields.place("requires"))
    }
    return wanted
  }

  func readBlockTime(_ fields: Fields) -> BlockTime? {
    guard let times = fields.fields("block_time"), let full = times.duration("full"), let quick = times.duration("quick") else {
      return nil
    }
    return BlockTime(full: full, quick: quick)
  }

  /// nil without `plots`, so that the caller's standard applies.
  func readPlots(_ fields: Fields, _ face: BlockFace) -> [PlotSpec]? {
    guard fields.has("plots") else { return nil }
    return fields.items("plots").compactMap { item in
      let plot = Fields(item, .plot, findings)
      guard !plot.isBroken else { return nil }
      let isSweep = face.params.contains { !$0.isEmpty }
      let kind = plot.text("kind").flatMap(PlotSpec.Kind.init) ?? (plot.has("x") || isSweep ? .curve : .distribution)
      let yNodes = plot.contents("y").map { $0.items ?? [$0] } ?? []
      for y in yNodes where !face.metrics.contains(y.text ?? "") {
        findings.error(
          PerfDiagnosticID.unknownMetric, "`\(y.text ?? y.kindName)` is not a metric of a \(face.kind) block",
          remedy: suggestion(for: y.text ?? "", among: face.metrics.sorted(), what: "its metrics"), at: y.range)
      }
      if kind == .flame, face.metrics != MetricSets.profile {
        findings.error(
          PerfDiagnosticID.doesNotApply, "only a profile has a flame graph", remedy: "use `kind: distribution`, `curve` or `timeline`",
          at: item.range)
      }
      if kind == .curve, !isSweep, face.kind == "load" {
        findings.error(
          PerfDiagnosticID.doesNotApply, "a curve needs `vary`, and `\(face.id)` varies nothing",
          remedy: "use `kind: distribution` or `kind: timeline`", at: item.range)
      }
      if let x = plot.text("x"), isSweep, let last = x.split(separator: ".").last.map(String.init),
        !face.params.contains(where: { $0[last] != nil })
      {
        findings.error(
          PerfDiagnosticID.unknownPath, "`\(x)` is not what `\(face.id)` varies",
          remedy: suggestion(for: last, among: Set(face.params.flatMap(\.keys)).sorted(), what: "it varies"),
          at: plot.contents("x")?.range ?? item.range)
      }
      if let overlay = plot.text("overlay"), !theories.contains(where: { $0.name == overlay }) {
        findings.error(
          PerfDiagnosticID.unknownTheory, "there is no closed form `\(overlay)` to draw",
          remedy: suggestion(for: overlay, among: theories.map(\.name), what: "closed forms"),
          at: plot.contents("overlay")?.range ?? item.range)
      }
      return PlotSpec(
        kind: kind, x: plot.text("x"), y: yNodes.compactMap(\.text), overlay: plot.text("overlay"), logX: plot.text("scale") == "log")
    }
  }

  // MARK: Check

  func planCheck(_ block: Block, _ fields: Fields) -> CellDraft? {
    let paths = fields.fields("edit")?.texts("params") ?? []
    let known = drafts.values.flatMap(\.paths)
    for (path, place) in paths where !drafts.values.contains(where: { $0.key(at: path) != nil }) {
      findings.error(
        PerfDiagnosticID.unknownPath, "no system of this notebook has `\(path)`",
        remedy: suggestion(for: path, among: Set(known).sorted(), what: "paths"), at: place)
    }
    let face = BlockFace(
      id: block.id, kind: "check", arms: [], params: [], isComparison: false, metrics: [], wholeMetrics: fields.has("answer") ? ["answered"] : [])
    var cell = CheckCell(editParams: paths.map(\.text), hintAfter: fields.integer("hint_after"), answer: fields.fields("answer").flatMap(readAnswer))
    if fields.has("hints") { cell.hints = fields.texts("hints").map(\.text) }
    return finish(block, fields, .check(cell), face, [])
  }
}

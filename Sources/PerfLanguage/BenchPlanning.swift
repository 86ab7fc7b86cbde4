// `bench` blocks → BenchCell: subjects in the order of their comparison, and the sizes for which they run.

import DocumentModel
import ExperimentModel
import StrictYAML
import TextModel

/// The code fence `#id` of a notebook as something that runs, for `nb bench FILE#ID`; nil when there is no such fence, or
/// none in a language that nb runs, or when its `n=` is not a whole number.
public func codeFence(_ document: Document, id: String) -> FenceSpec? {
  guard let fence = document.codeFences.first(where: { $0.id == id }), let language = FenceLanguage(info: fence.language),
    let n = Int(fence.attributes["n"] ?? "0"), n >= 0
  else { return nil }
  return FenceSpec(
    id: id, language: language, source: fence.text, n: n, isProcess: fence.attributes["mode"] == "process",
    path: document.source.path, line: document.source.line(at: fence.infoRange.lower) + 1)
}

extension Planning {
  func planBench(_ block: Block, _ fields: Fields) -> CellDraft? {
    var subjects = fields.items("subjects").compactMap(readSubject)
    guard !subjects.isEmpty, subjects.count == fields.items("subjects").count else {
      if fields.has("subjects"), fields.items("subjects").isEmpty {
        findings.error(
          PerfDiagnosticID.outOfRange, "`subjects` is empty: there is nothing to time", remedy: "such as [{builtin: cache-get}]",
          at: fields.place("subjects"))
      }
      return nil
    }
    var names: Set<String> = []
    for (i, subject) in subjects.enumerated() where !names.insert(subject.name).inserted {
      findings.error(
        PerfDiagnosticID.duplicateName, "two subjects are called `\(subject.name)`", remedy: "give each a `name:`",
        at: fields.items("subjects")[i].range)
    }
    var sets: [String: YAMLNode] = [:]
    for (subject, item) in zip(subjects, fields.items("subjects")) { sets[subject.name] = item["set"] }
    var comparison: Comparison?
    var pairs = 40
    if let compare = fields.fields("compare") {
      pairs = compare.integer("pairs") ?? pairs
      guard let ordered = pairing(compare, subjects) else { return nil }
      subjects = ordered
      comparison = Comparison(runs: pairs, metric: compare.text("metric") ?? "time")
      if comparison?.metric != "time" {
        findings.error(PerfDiagnosticID.unknownMetric, "a bench compares `time`", remedy: "leave `metric` out", at: compare.place("metric"))
      }
    }
    guard let system = benchSystem(block, fields, &subjects, sets) else { return nil }
    var cell = BenchCell(subjects: subjects, comparison: comparison, pairs: pairs, system: system, seed: seed(for: block.id))
    if fields.fields("compare")?.text("order") == BenchCell.Order.sequential.rawValue { cell.order = .sequential }
    if fields.text("count") == "instructions" { cell.countsInstructions = true }
    cell.setup = fields.text("setup")
    cell.prepare = fields.text("prepare")
    readSizes(block, fields, into: &cell)
    checkBuiltins(cell, fields)
    let hasItems = cell.subjects.contains { $0.isOfItems }
    let sizes = cell.sizes ?? []
    let face = BlockFace(
      id: block.id, kind: "bench", arms: sizes.isEmpty ? subjects.map(\.name) : sizes.flatMap { _ in subjects.map(\.name) },
      params: sizes.isEmpty ? subjects.map { _ in [:] } : sizes.flatMap { n in subjects.map { _ in [cell.sizeName: Double(n)] } },
      isComparison: comparison != nil, metrics: hasItems ? MetricSets.bench.union(MetricSets.items) : MetricSets.bench,
      wholeMetrics: hasItems ? MetricSets.benchWhole.union(["collections_error"]) : MetricSets.benchWhole,
      fitMetrics: fitMetrics(cell))
    let overSizes = PlotSpec(kind: .curve, x: cell.sizeName, y: ["time"], logX: cell.isOnLogAxis)
    return finish(block, fields, .bench(cell), face, readPlots(fields, face) ?? (sizes.isEmpty ? [] : [overSizes]))
  }

  private func fitMetrics(_ cell: BenchCell) -> Set<String> {
    if cell.fitsSlope == true { return ["slope"] }
    if cell.fitsLine == true { return MetricSets.line }
    return cell.fitsHyperbola == true ? MetricSets.hyperbola : []
  }

  /// `vary` and `fit`.
  private func readSizes(_ block: Block, _ fields: Fields, into cell: inout BenchCell) {
    if let vary = fields.fields("vary"), let param = vary.text("param"), !["n", "rows"].contains(param) {
      readParameter(param, block, fields, vary, into: &cell)
    } else if let vary = fields.fields("vary") {
      let values = vary.integers("values")
      let quick = vary.integers("quick")
      if values.count < 2 {
        findings.error(
          PerfDiagnosticID.outOfRange, "`values` needs at least two sizes to vary", remedy: "such as [500, 1000, 2000]",
          at: vary.place("values"))
      }
      for value in quick where !values.contains(value) {
        findings.error(
          PerfDiagnosticID.outOfRange, "`quick` has \(value), which is not one of the values",
          remedy: "it is the part of `values` that is measured with --quick", at: vary.place("quick"))
      }
      let isRows = vary.text("param") == "rows"
      if isRows { cell.variesRows = true }
      for value in values where isRows && !(1...5_000_000).contains(value) {
        findings.error(
          PerfDiagnosticID.outOfRange, "a table has 1 to 5000000 rows here, not \(value)", remedy: "a lab's data is in memory",
          at: vary.place("values"))
      }
      for subject in cell.subjects {
        if isRows {
          if case .sql = subject.work { continue }
          if case .builtin = subject.work, needsSystem(subject.work), !subject.isOfItems { continue }
          findings.error(
            PerfDiagnosticID.doesNotApply, "`\(subject.name)` reads no table whose rows could vary", remedy: "vary `n`, or bench `sql` fences",
            at: vary.place("param"))
          continue
        }
        if case .fence(let fence) = subject.work, !fence.isProcess, fence.language != .shell { continue }
        if subject.isOfSpans {
          for value in values { checkSpanAttributes(value, at: vary.place("values")) }
          continue
        }
        findings.error(
          PerfDiagnosticID.doesNotApply, "`\(subject.name)` has no size `n` to vary",
          remedy: "vary fences that define `subject(n)`, or the attributes of `span` and its like", at: vary.place("param"))
      }
      cell.sizes = values
      cell.quickSizes = quick.isEmpty ? nil : quick
    }
    guard fields.has("fit") else { return }
    let kind = fields.fields("fit")?.text("kind") ?? "slope"
    let isHyperbola = kind == "hyperbola"
    switch kind {
    case "hyperbola": cell.fitsHyperbola = true
    case "line": cell.fitsLine = true
    default: cell.fitsSlope = true
    }
    if cell.sizes.map({ $0.count < 3 }) ?? true {
      findings.error(
        PerfDiagnosticID.doesNotApply, "a \(kind) needs `vary` with at least three sizes",
        remedy: "such as values: [500, 1000, 2000, 4000]", at: fields.place("fit"))
    }
    for subject in cell.subjects where isHyperbola && !subject.isOfItems {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(subject.name)` does nothing whose cost items share", remedy: "fit a `slope`, or bench `commit` or `alloc`",
        at: fields.place("fit"))
    }
  }

  private func readSubject(_ item: YAMLNode) -> SubjectSpec? {
    let fields = Fields(item, .subject, findings)
    guard !fields.isBroken else { return nil }
    let given = ["builtin", "fence", "command", "shell"].filter(fields.has)
    guard given.count == 1 else {
      findings.error(
        PerfDiagnosticID.missingKey, "a subject is one of `builtin`, `fence`, `command` and `shell`",
        remedy: "such as {builtin: cache-get}, {fence: product-by-id} or {command: sort big.txt, name: sort}", at: item.range)
      return nil
    }
    let name = fields.text("name")
    if let word = fields.text("builtin") {
      let subject = SubjectSpec(name: name ?? word, work: .builtin(word), n: spanSubjects.contains(word) ? fields.integer("n") : nil)
      if let n = subject.n { checkSpanAttributes(n, at: fields.place("n")) }
      return subject
    }
    if let text = fields.text("command") ?? fields.text("shell") {
      let program = text.split(separator: " ").first.map(String.init) ?? text
      let short = program.split(separator: "/").last.map { $0.lowercased() } ?? program
      return SubjectSpec(name: name ?? short, work: .command(CommandSpec(text: text, usesShell: fields.has("shell"))))
    }
    guard let id = fields.text("fence") else { return nil }
    if let statement = resolver.statements[id] { return SubjectSpec(name: name ?? id, work: .sql(statement)) }
    if let fence = codeFences[id] { return fenceSubject(fence, id, name ?? id, fields, item) }
    findings.error(
      PerfDiagnosticID.unknownFence, "there is no code fence `#\(id)`",
      remedy: suggestion(for: id, among: (Array(resolver.statements.keys) + Array(codeFences.keys)).sorted(), what: "code fences"),
      at: fields.contents("fence")?.range ?? item.range)
    return nil
  }

  private func fenceSubject(_ fence: Fence, _ id: String, _ name: String, _ fields: Fields, _ item: YAMLNode) -> SubjectSpec? {
    codeSpec(fence, id, fields, at: fields.contents("fence")?.range ?? item.range).map { SubjectSpec(name: name, work: .fence($0)) }
  }

  /// A code fence as something that runs; nil after a report.
  func codeSpec(_ fence: Fence, _ id: String, _ fields: Fields, at place: SourceRange) -> FenceSpec? {
    guard let language = FenceLanguage(info: fence.language) else {
      findings.error(
        PerfDiagnosticID.unknownFence, "the fence `#\(id)` is \(fence.language.isEmpty ? "without a language" : fence.language), which nb cannot run",
        remedy: "it runs swift, c, python, javascript and sh", at: place)
      return nil
    }
    var n = fields.integer("n") ?? 0
    if let written = fence.attributes["n"], !fields.has("n") {
      guard let number = Int(written), number >= 0 else {
        findings.error(
          PerfDiagnosticID.wrongType, "`n=\(written)` of the fence `#\(id)` is not a whole number", remedy: "such as n=4000", at: fence.infoRange)
        return nil
      }
      n = number
    }
    return FenceSpec(
      id: id, language: language, source: fence.text, n: n, isProcess: fence.attributes["mode"] == "process",
      path: document.source.path, line: document.source.line(at: fence.infoRange.lower) + 1)
  }

  /// The baseline first, then the candidates; the runner compares every other subject with the first.
  private func pairing(_ compare: Fields, _ subjects: [SubjectSpec]) -> [SubjectSpec]? {
    guard let baseline = compare.text("baseline") else { return nil }
    let names = subjects.map(\.name)
    var written = compare.texts("candidates")
    if !compare.has("candidates") { written = names.filter { $0 != baseline }.map { ($0, compare.place("compare")) } }
    var ordered: [SubjectSpec] = []
    for (name, place) in [(baseline, compare.contents("baseline")?.range ?? compare.place("baseline"))] + written {
      guard let subject = subjects.first(where: { $0.name == name }) else {
        findings.error(
          PerfDiagnosticID.unknownArm, "`\(name)` is not a subject of this block",
          remedy: suggestion(for: name, among: names, what: "its subjects"), at: place)
        return nil
      }
      if !ordered.contains(subject) { ordered.append(subject) }
    }
    for name in names where !ordered.contains(where: { $0.name == name }) {
      findings.error(
        PerfDiagnosticID.doesNotApply, "the subject `\(name)` is neither baseline nor candidate",
        remedy: "add it to `candidates`, or leave it out", at: compare.place("candidates"))
      return nil
    }
    guard ordered.count > 1 else {
      findings.error(
        PerfDiagnosticID.outOfRange, "a comparison needs a second subject", remedy: "add one to `subjects`", at: compare.place("baseline"))
      return nil
    }
    return ordered
  }

  /// `spin`, spans, commands and code need no system (`.some(nil)`); everything else reads a system's rows. nil after a report.
  ///
  /// - Parameter sets: the `set` of subjects by name: each gets a system of its own.
  private func benchSystem(_ block: Block, _ fields: Fields, _ subjects: inout [SubjectSpec], _ sets: [String: YAMLNode]) -> SystemSpec?? {
    for subject in subjects {
      guard let set = sets[subject.name], !needsSystem(subject.work) else { continue }
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(subject.name)` uses no system that `set` could change", remedy: "leave `set` out", at: set.range)
    }
    guard fields.has("uses") else {
      if !subjects.contains(where: { needsSystem($0.work) }) { return .some(nil) }
      if !fields.mentions("uses") {
        findings.error(
          PerfDiagnosticID.missingKey, "these subjects read a system's data, so the block needs `uses`", remedy: "such as `uses: shop`",
          at: fields.place("subjects"))
      }
      return nil
    }
    guard var draft = system(named: fields, of: block) else { return nil }
    draft.apply(fields.contents("set"), findings)
    guard let system = resolver.resolve(draft, seed: seed(for: draft.id)) else { return nil }
    for i in subjects.indices where needsSystem(subjects[i].work) {
      guard let set = sets[subjects[i].name] else { continue }
      if let vary = fields.fields("vary"), let param = vary.text("param"), !["n", "rows"].contains(param) {
        findings.error(
          PerfDiagnosticID.doesNotApply, "`\(subjects[i].name)` has a `set` of its own, and the block varies `\(param)` of all subjects",
          remedy: "vary `rows`, or leave one of them out", at: set.range)
        return nil
      }
      var own = draft
      own.apply(set, findings)
      guard let resolved = resolver.resolve(own, seed: seed(for: draft.id)) else { return nil }
      if resolved != system { subjects[i].system = resolved }
    }
    return .some(system)
  }

  private func needsSystem(_ work: SubjectWork) -> Bool {
    switch work {
    case .builtin(let word): word != "spin" && !spanSubjects.contains(word)
    case .sql: true
    case .command, .fence: false
    }
  }
}

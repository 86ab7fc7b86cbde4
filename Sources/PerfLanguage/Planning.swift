// One planning run: fences → blocks → systems → cells → references. Each step goes on after mistakes,
// so that all of them are reported at once; what depends on a broken part is left out in silence.

import DocumentModel
import ExperimentModel
import StrictYAML
import TextModel

/// A perf fence that is YAML and has a kind and an id.
struct Block {
  var id: String
  var idPlace: SourceRange
  /// Sugar kinds are already what they are of.
  var kind: Shape
  var node: YAMLNode
  var fence: SourceRange
}

/// A value of another block that a cost block reads.
struct PendingReference {
  var address: Address
  var unit: MetricUnit
  var place: SourceRange
}

/// A load block whose recording another block reads.
struct PendingSource {
  /// What its system must have said of itself, and in which arm.
  struct Telemetry {
    var arm: (name: String, place: SourceRange)?
    var signals: TelemetrySignals
    var query: String
  }

  var id: String
  var place: SourceRange
  /// nil: the requests themselves are asked.
  var telemetry: Telemetry?
  /// A bench block is meant, whose results are enough.
  var isBench = false
}

/// A cell before its references are checked.
struct CellDraft {
  var block: Block
  var cell: Cell
  var face: BlockFace
  var gates: [(text: String, place: SourceRange)]
  var references: [PendingReference] = []
  var source: PendingSource?
  /// It has mistakes: its judgements are checked, and the plan goes without it.
  var isBroken = false
}

/// State of one run of `Planner.plan`.
final class Planning {
  let document: Document
  let context: PlanContext
  let findings = Findings()
  var blocks: [Block] = []
  /// The blocks by id; each has its own.
  var blockOf: [String: Block] = [:]
  /// Systems of the notebook by id.
  var drafts: [String: SystemDraft] = [:]
  var resolver: SystemResolver
  /// Code fences that are not SQL, by id.
  var codeFences: [String: Fence] = [:]
  var lessonSeed: UInt64 = 1
  var lessonTimePlace: SourceRange?
  var claimPlaces: [(source: String, place: SourceRange)] = []

  /// Where a block's cell stands among the cells.
  var cellIndex: [String: Int] = [:]
  /// What addresses may name, by block; known after `run`.
  var faces: [String: BlockFace] = [:]
  /// YAML of fences that an earlier run has read.
  let yaml: BlockReadings?
  private let digests: Bool

  /// - Parameter digests: of the cells' inputs; without them the plan is good for questions only.
  init(_ document: Document, _ context: PlanContext, yaml: BlockReadings? = nil, digests: Bool = true) {
    self.document = document
    self.context = context
    self.yaml = yaml
    self.digests = digests
    resolver = SystemResolver(statements: [:], findings: findings)
    findings.add(contentsOf: document.diagnostics)
  }

  func run() -> PlannedNotebook {
    yaml?.beginRun()
    readFences()
    blocks = document.perfFences.compactMap(readBlock)
    reportDuplicates()
    let lessons = blocks.filter { $0.kind == .lesson }
    for extra in lessons.dropFirst() {
      findings.error(
        PerfDiagnosticID.secondLesson, "this notebook already has a lesson, `\(lessons[0].id)`", remedy: "keep one `lesson` block",
        at: extra.idPlace)
    }
    let lesson = lessons.first.flatMap(readLesson)
    readSystems()
    var cells = blocks.compactMap(planCell)
    faces = Dictionary(cells.map { ($0.face.id, $0.face) }, uniquingKeysWith: { a, _ in a })
    cellIndex = Dictionary(cells.enumerated().map { ($0.element.cell.id, $0.offset) }, uniquingKeysWith: { a, _ in a })
    connect(&cells, lesson)
    checkTimes(cells, lesson)
    let runbooks = blocks.filter { $0.kind == .runbook }.compactMap(readRunbook)
    var plan = Plan(lesson: lesson, cells: cells.filter { !$0.isBroken }.map(\.cell), runbooks: runbooks)
    if digests { for i in plan.cells.indices { plan.cells[i].inputs = inputsDigest(plan.cells[i]) } }
    return PlannedNotebook(
      plan: plan, blocks: blocks.map { PlannedBlock(id: $0.id, kind: $0.kind.rawValue, fence: $0.fence, idPlace: $0.idPlace) }, systems: resolvedSystems(),
      hiddenFaults: drafts.compactMapValues { $0.hidden?.count })
  }

  /// The same for a block whatever the order of blocks.
  func seed(for id: String) -> UInt64 { derivedSeed(lessonSeed, id) }

  /// Of what a system hides: two systems of one learner differ, as do those of two learners.
  private func hiddenSeed(of system: String) -> UInt64 { derivedSeed(context.learnerSeed ?? lessonSeed, "hidden of \(system)") }

  // MARK: Blocks

  private func readFences() {
    var statements: [String: String] = [:]
    var seen: Set<String> = []
    for fence in document.codeFences {
      guard let id = fence.id else { continue }
      guard seen.insert(id).inserted else {
        findings.error(
          PerfDiagnosticID.duplicateFence, "two code fences are called `#\(id)`", remedy: "give each its own id", at: fence.infoRange)
        continue
      }
      if fence.language == "sql" { statements[id] = statement(of: fence) } else { codeFences[id] = fence }
    }
    resolver = SystemResolver(statements: statements, findings: findings)
  }

  /// The SQL text without a final semicolon.
  private func statement(of fence: Fence) -> String {
    var text = fence.text.trimmed
    if text.hasSuffix(";") { text = String(text.dropLast()).trimmed }
    return text
  }

  private func readBlock(_ fence: Fence) -> Block? {
    let (node, problems) = (yaml ?? BlockReadings()).read(fence, in: document.source)
    findings.add(contentsOf: problems)
    guard let node else { return nil }
    guard let entries = node.entries else {
      findings.error(
        PerfDiagnosticID.wrongType, "a block is a mapping, not \(node.kindName)", remedy: "begin with `kind: load` and `id: base`",
        at: node.range)
      return nil
    }
    guard let kind = blockKind(node, entries) else { return nil }
    guard let id = node["id"]?.text, let entry = entries.first(where: { $0.key == "id" }) else {
      // Its mistakes besides the missing id are worth reading too.
      if kind != .system {
        _ = Fields(node, kind, findings)
      } else {
        findings.error(
          PerfDiagnosticID.missingKey, "a `system` block needs `id`", remedy: "such as `id: shop`",
          at: entries.first?.keyRange ?? node.range)
      }
      return nil
    }
    return Block(id: id, idPlace: entry.value.range, kind: kind, node: node, fence: fence.range)
  }

  /// Sugar: `kind: sweep, of: load` is a load block.
  private func blockKind(_ node: YAMLNode, _ entries: [YAMLEntry]) -> Shape? {
    guard let kind = node["kind"], let word = kind.text, !kind.isNull else {
      findings.error(
        PerfDiagnosticID.missingKey, "a block needs `kind`",
        remedy: "one of \(Shape.blocks.map { "`\($0.rawValue)`" }.joined(separator: ", "))",
        at: entries.first?.keyRange ?? node.range)
      return nil
    }
    let sugar = ["compare", "sweep", "chaos"]
    let wanted = sugar.contains(word) ? node["of"]?.text ?? "load" : word
    if let shape = Shape.blocks.first(where: { $0.rawValue == wanted }) { return shape }
    let later = ["vitals", "trace"]
    if later.contains(wanted) {
      findings.error(
        PerfDiagnosticID.unsupportedKind, "this version of nb does not execute `\(wanted)` blocks",
        remedy: "it has \(Shape.blocks.map(\.rawValue).joined(separator: ", "))", at: kind.range)
    } else {
      findings.error(
        PerfDiagnosticID.unknownKind, "there is no block kind `\(wanted)`",
        remedy: suggestion(for: wanted, among: Shape.blocks.map(\.rawValue) + sugar, what: "kinds"), at: kind.range)
    }
    return nil
  }

  private func reportDuplicates() {
    var first: [String: Int] = [:]
    for block in blocks {
      if let line = first[block.id] {
        findings.error(
          PerfDiagnosticID.duplicateBlock, "the id `\(block.id)` is taken by the block on line \(line)",
          remedy: "results are kept by id: choose another", at: block.idPlace)
      } else {
        first[block.id] = document.source.line(at: block.idPlace.lower)
      }
    }
    var kept: Set<String> = []
    blocks = blocks.filter { kept.insert($0.id).inserted }
    blockOf = Dictionary(uniqueKeysWithValues: blocks.map { ($0.id, $0) })
  }

  private func planCell(_ block: Block) -> CellDraft? {
    let before = findings.diagnostics.all.count
    let draft: CellDraft? =
      switch block.kind {
      case .load: planLoad(block, Fields(block.node, .load, findings))
      case .bench: planBench(block, Fields(block.node, .bench, findings))
      case .sim: planSim(block, Fields(block.node, .sim, findings))
      case .cost: planCost(block, Fields(block.node, .cost, findings))
      case .check: planCheck(block, Fields(block.node, .check, findings))
      case .observe: planObserve(block, Fields(block.node, .observe, findings))
      case .slo: planSLO(block, Fields(block.node, .slo, findings))
      default: nil
      }
    guard var draft else { return nil }
    if findings.diagnostics.all[before...].contains(where: { $0.severity == .error }) { draft.isBroken = true }
    return draft
  }

  // MARK: Systems

  private func readSystems() {
    let written = Dictionary(blocks.filter { $0.kind == .system }.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
    for block in blocks where block.kind == .system { _ = draft(block, written, []) }
    // A system that no block uses is checked as well.
    for block in blocks where block.kind == .system {
      guard var draft = drafts[block.id] else { continue }
      _ = resolver.resolve(draft, seed: 0)
      // Nor may it depend on the learner's seed which mistakes are found.
      guard draft.hidden != nil else { continue }
      draft.hidden = nil
      _ = resolver.resolve(draft, seed: 0)
    }
  }

  /// Systems that extend each other; each costs a level of the stack, and a reader's memory.
  private static let chainMax = 32

  private func draft(_ block: Block, _ written: [String: Block], _ above: [String]) -> SystemDraft {
    if let known = drafts[block.id] { return known }
    var base: SystemDraft?
    if let node = block.node["extends"], let name = node.text, !node.isNull {
      if name != block.id, above.contains(name) {
        findings.error(
          PerfDiagnosticID.extendsCycle, "`\(block.id)` extends `\(name)`, which extends `\(block.id)`",
          remedy: "one of them must stand alone", at: node.range)
      } else if name != block.id, let next = written[name] {
        if above.count < Self.chainMax { base = draft(next, written, above + [block.id]) }
        if base.map({ $0.chain > Self.chainMax }) ?? true {
          base = nil
          findings.error(
            PerfDiagnosticID.extendsCycle, "more than \(Self.chainMax) systems extend each other up to here", remedy: "let `\(block.id)` stand alone", at: node.range)
        }
      } else if let preset = presetDraft(name) {
        base = preset
      } else {
        reportUnknownSystem(name, among: written.keys.filter { $0 != block.id }, at: node.range)
      }
    }
    var draft = SystemReader(findings: findings).read(block.node, id: block.id, base: base)
    draft.chain = (base?.chain ?? 0) + 1
    if let owner = draft.hidden?.owner { draft.hidden?.seed = hiddenSeed(of: owner) }
    drafts[block.id] = draft
    return draft
  }

  /// A system of the notebook, else a preset; nil after a report, or when the notebook's is broken.
  func system(_ name: String, at place: SourceRange) -> SystemDraft? {
    if let draft = drafts[name] { return draft }
    if let preset = presetDraft(name) { return preset }
    reportUnknownSystem(name, among: drafts.keys.sorted(), at: place)
    return nil
  }

  private func reportUnknownSystem(_ name: String, among names: [String], at place: SourceRange) {
    findings.error(
      PerfDiagnosticID.unknownSystem, "there is no system `\(name)`, neither in this notebook nor among the presets",
      remedy: suggestion(for: name, among: (names + presetNames).sorted(), what: "systems"), at: place)
  }

  private func resolvedSystems() -> [String: SystemSpec] {
    drafts.compactMapValues { resolver.resolve($0, seed: seed(for: $0.id)) }
  }
}

// What refers to other blocks: gates, cost inputs, claims, values in prose. Runs when every block's
// face is known, and finds circles.

import DocumentModel
import ExperimentModel
import TextModel

extension Planning {
  /// Reads the gates, fills in `needs`, checks claims and values.
  func connect(_ cells: inout [CellDraft], _ lesson: LessonSpec?) {
    for i in cells.indices {
      var needs: Set<String> = []
      for (text, place) in cells[i].gates {
        guard let gate = gate(text, place, cells[i].face, faces) else { continue }
        cells[i].cell.gates.append(gate)
        if let block = gate.address.block { needs.insert(block) }
      }
      for reference in cells[i].references {
        guard let unit = unit(of: reference.address, faces, reference.place) else { continue }
        if unit != reference.unit, !(unit == .ratio && reference.unit == .share), !(unit == .plain || reference.unit == .plain), !(reference.unit == .usdPerMonth && unit.perMonth != nil)
        {
          findings.error(
            PerfDiagnosticID.wrongUnit,
            "`\(addressText(reference.address))` is \(spelling(of: unit).name), and here is needed \(spelling(of: reference.unit).name)",
            remedy: "refer to another metric of `\(reference.address.block ?? "")`", at: reference.place)
        }
        if let block = reference.address.block { needs.insert(block) }
      }
      if let source = cells[i].source, isRecorded(source, cells) { needs.insert(source.id) }
      needs.remove(cells[i].cell.id)
      cells[i].cell.needs = needs.sorted()
    }
    reportCycles(cells)
    checkClaims(cells)
    checkValues(faces, lesson)
  }

  // MARK: Recordings

  /// Whether `from` names a load block with one arm; else it is reported, if not for that block's own mistakes.
  private func isRecorded(_ source: PendingSource, _ cells: [CellDraft]) -> Bool {
    let wanted: Shape = source.isBench ? .bench : .load
    guard let cell = cellIndex[source.id].map({ cells[$0] }) else {
      guard blockOf[source.id]?.kind != wanted else { return false }
      let known = cells.filter { $0.face.kind == wanted.rawValue }.map(\.cell.id)
      findings.error(
        PerfDiagnosticID.unknownBlock, "there is no \(wanted.rawValue) block `\(source.id)` in this notebook",
        remedy: suggestion(for: source.id, among: known, what: "\(wanted.rawValue) blocks"), at: source.place)
      return false
    }
    if source.isBench {
      if case .bench(let bench) = cell.cell.work, bench.subjects.contains(where: { if case .sql = $0.work { true } else { false } }) { return true }
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(source.id)` benches no SQL statement, so it has no plans", remedy: "name a bench block of sql fences",
        at: source.place)
      return false
    }
    guard cell.face.kind == "load", case .load(let load) = cell.cell.work else {
      findings.error(
        PerfDiagnosticID.doesNotApply, "only load blocks are recorded, and `\(source.id)` is of the kind `\(cell.face.kind)`",
        remedy: "name a load block", at: source.place)
      return false
    }
    if let telemetry = source.telemetry { return records(telemetry, load, source) }
    guard cell.face.arms.count == 1 else {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(source.id)` has \(cell.face.arms.count) arms, and a recording is of one",
        remedy: "name a load block without `compare` and `vary`", at: source.place)
      return false
    }
    return true
  }

  /// Whether one arm of a load block is meant, and its system records what a query asks.
  private func records(_ wanted: PendingSource.Telemetry, _ load: LoadCell, _ source: PendingSource) -> Bool {
    if case .sweep = load.design {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(source.id)` varies a parameter, and its points have no names to ask for", remedy: "name a load block without `vary`",
        at: source.place)
      return false
    }
    var arms = load.arms
    if let (name, place) = wanted.arm {
      arms = arms.filter { $0.name == name }
      if arms.isEmpty {
        findings.error(
          PerfDiagnosticID.unknownArm, "`\(source.id)` has no arm `\(name)`", remedy: suggestion(for: name, among: load.arms.map(\.name), what: "its arms"),
          at: place)
        return false
      }
    }
    guard arms.count == 1, let arm = arms.first else {
      findings.error(
        PerfDiagnosticID.ambiguousAddress, "`\(source.id)` has \(arms.count) arms: the telemetry of which?",
        remedy: "write " + arms.map { "`arm: \($0.name)`" }.joined(separator: " or "), at: source.place)
      return false
    }
    let missing = wanted.signals.subtracting(arm.system.telemetry?.signals ?? [])
    guard missing.isEmpty else {
      let (word, key) = missing.contains(.traces) ? ("traces", "traces: 1") : missing.contains(.logs) ? ("logs", "logs: true") : ("metrics", "metrics: true")
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(wanted.query)` asks \(word), and the system of `\(source.id)` records none",
        remedy: "let it: `telemetry: {\(key)}` in the system, or in `set`: {telemetry.\(key)}", at: source.place)
      return false
    }
    return true
  }

  // MARK: Gates

  private func gate(_ text: String, _ place: SourceRange, _ own: BlockFace, _ faces: [String: BlockFace]) -> Judgement? {
    guard let parts = Comparative(text), !parts.left.isEmpty else {
      findings.error(
        PerfDiagnosticID.badExpression, "a gate is 'ADDRESS op VALUE', not `\(text)`", remedy: "such as 'onoff.on.origin_rps<=60rps'",
        at: place)
      return nil
    }
    let parsed = parseInnerAddress(parts.left)
    guard case .success(var address) = parsed else {
      if case .failure(let error) = parsed { findings.error(PerfDiagnosticID.badAddress, error.cause, remedy: error.remedy, at: place) }
      return nil
    }
    // Inside a block BLOCK is left out; what is none of its arms is another block.
    if let first = address.arm.first, !(own.arms.contains(first) || !own.arms.isEmpty && BlockFace.reserved.contains(first)) {
      address.block = first
      address.arm.removeFirst()
    }
    do throws(Problem) {
      let unit: MetricUnit
      if address.block != nil {
        guard let found = self.unit(of: address, faces, place) else { return nil }
        unit = found
      } else if own.arms.isEmpty, !own.wholeMetrics.contains(address.metric) {
        throw Problem(id: PerfDiagnosticID.badAddress, cause: "`\(parts.left)` names no block", remedy: "such as onoff.\(parts.left)")
      } else {
        unit = try own.unit(of: address)
      }
      return Judgement(text: text, address: address, op: parts.op, limit: try limit(parts.right, unit, parts.left))
    } catch {
      findings.error(error.id, error.cause, remedy: error.remedy, at: place)
      return nil
    }
  }

  /// nil when it is not known: after a report, or because the block's own mistakes were reported.
  private func unit(of address: Address, _ faces: [String: BlockFace], _ place: SourceRange) -> MetricUnit? {
    guard let id = address.block else {
      findings.error(
        PerfDiagnosticID.badAddress, "`\(addressText(address))` names no block", remedy: "such as onoff.\(addressText(address))", at: place)
      return nil
    }
    guard let face = faces[id] else {
      if let block = blockOf[id] {
        if [.lesson, .system, .runbook].contains(block.kind) {
          findings.error(
            PerfDiagnosticID.unknownBlock, "the block `\(id)` is a \(block.kind.rawValue) and has no values",
            remedy: suggestion(for: "", among: faces.keys.sorted(), what: "blocks with values"), at: place)
        }
        return nil
      }
      let isElsewhere = id.contains("/")
      findings.error(
        PerfDiagnosticID.unknownBlock,
        isElsewhere
          ? "`\(id)` is a block of another lesson, which this version of nb does not read" : "there is no block `\(id)` in this notebook",
        remedy: isElsewhere
          ? "measure it here, or link to that lesson" : suggestion(for: id, among: faces.keys.sorted(), what: "blocks with values"),
        at: place)
      return nil
    }
    do throws(Problem) { return try face.unit(of: address) } catch {
      findings.error(error.id, error.cause, remedy: error.remedy, at: place)
      return nil
    }
  }

  // MARK: Circles

  private func reportCycles(_ cells: [CellDraft]) {
    let needs = Dictionary(cells.map { ($0.cell.id, $0.cell.needs) }, uniquingKeysWith: { a, _ in a })
    var done: Set<String> = []
    for cell in cells where !done.contains(cell.cell.id) {
      // A path of our own instead of recursion: a chain of 100,000 blocks costs no stack.
      var path: [(id: String, next: Int)] = [(cell.cell.id, 0)]
      var onPath: Set<String> = [cell.cell.id]
      while let (id, next) = path.last {
        let others = needs[id] ?? []
        guard next < others.count else {
          done.insert(id)
          onPath.remove(id)
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let other = others[next]
        if onPath.contains(other) {
          let circle = path.map(\.id).drop { $0 != other } + [other]
          findings.error(
            PerfDiagnosticID.cycle, "these blocks read each other's values: \(circle.joined(separator: " → "))",
            remedy: "no order of running them is right: cut one reference", at: cell.block.idPlace)
          return
        }
        if !done.contains(other) {
          path.append((other, 0))
          onPath.insert(other)
        }
      }
    }
  }

  // MARK: Claims and values in prose

  private func checkClaims(_ cells: [CellDraft]) {
    for (source, place) in claimPlaces {
      let parts = source.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, ["expect", "thresholds", "gate"].contains(parts[1]) else {
        findings.error(
          PerfDiagnosticID.unverifiedClaim, "`verified_by` is BLOCK.expect, BLOCK.thresholds or BLOCK.gate, not `\(source)`",
          remedy: "such as hit-curve.expect", at: place)
        continue
      }
      guard let cell = cellIndex[parts[0]].map({ cells[$0] }) else {
        if blockOf[parts[0]] == nil {
          findings.error(
            PerfDiagnosticID.unknownBlock, "there is no block `\(parts[0])` to verify the claim",
            remedy: suggestion(for: parts[0], among: cells.map(\.cell.id), what: "blocks"), at: place)
        }
        continue
      }
      let isEmpty =
        parts[1] == "expect" ? cell.cell.expects.isEmpty : parts[1] == "gate" ? cell.gates.isEmpty : cell.cell.thresholds.isEmpty
      if isEmpty, !cell.isBroken {
        findings.error(
          PerfDiagnosticID.unverifiedClaim, "the block `\(parts[0])` has no `\(parts[1])`, so nothing verifies the claim",
          remedy: "add `\(parts[1])` to it, or name another part", at: place)
      }
    }
  }

  private func checkValues(_ faces: [String: BlockFace], _ lesson: LessonSpec?) {
    // Plain Markdown may hold other templates' braces.
    guard !document.perfFences.isEmpty else { return }
    for value in document.values {
      switch value.kind {
      case .marketRegion: break
      case .claim:
        let id = value.expression.split(separator: " ").last.map(String.init) ?? ""
        let claims = lesson?.claims.map(\.id) ?? []
        if !claims.contains(id) {
          findings.error(
            PerfDiagnosticID.unknownClaim, "the lesson has no claim `\(id)`",
            remedy: suggestion(for: id, among: claims, what: "its claims"), at: value.range)
        }
      case .value:
        switch parseAddress(value.expression) {
        case .success(let address): _ = unit(of: address, faces, value.range)
        case .failure(let error): findings.error(PerfDiagnosticID.badAddress, error.cause, remedy: error.remedy, at: value.range)
        }
      }
    }
  }

  // MARK: Time

  /// The blocks' declared times against the lesson's, or against a minute and ten seconds.
  func checkTimes(_ cells: [CellDraft], _ lesson: LessonSpec?) {
    let declared = cells.compactMap { draft in draft.cell.blockTime.map { (draft, $0) } }
    guard let last = declared.last else { return }
    let full = declared.reduce(Nanoseconds.zero) { $0 + $1.1.full }
    let quick = declared.reduce(Nanoseconds.zero) { $0 + $1.1.quick }
    let budget = lesson?.blockTime ?? BlockTime(full: Nanoseconds(seconds: 60), quick: Nanoseconds(seconds: 10))
    let place = lessonTimePlace ?? last.0.block.idPlace
    for (name, sum, limit) in [("full", full, budget.full), ("quick", quick, budget.quick)] where sum > limit {
      let cause =
        "the blocks' `\(name)` times sum to \(secondsText(sum)), over \(lessonTimePlace == nil ? "the usual" : "the lesson's") \(secondsText(limit))"
      let remedy =
        "shorten: " + declared.map { "\($0.0.cell.id) \(secondsText(name == "full" ? $0.1.full : $0.1.quick))" }.joined(separator: ", ")
      if lessonTimePlace == nil {
        findings.warning(PerfDiagnosticID.overBudget, cause, remedy: remedy, at: place)
      } else {
        findings.error(PerfDiagnosticID.overBudget, cause, remedy: remedy, at: place)
      }
    }
  }

  func secondsText(_ time: Nanoseconds) -> String {
    time.rawValue % 1_000_000_000 == 0 ? "\(time.rawValue / 1_000_000_000) s" : "\(time.rawValue / 1_000_000) ms"
  }
}

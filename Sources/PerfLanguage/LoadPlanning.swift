// `load` blocks → LoadCell: one arm for a single run, for each variant of a comparison, or for each
// point of a sweep. All arms share one seed (common random numbers).

import ExperimentModel
import StrictYAML
import TextModel

extension Planning {
  func planLoad(_ block: Block, _ fields: Fields) -> CellDraft? {
    guard let base = system(named: fields, of: block) else { return nil }
    let seed = seed(for: block.id)
    if fields.has("compare"), fields.has("vary") {
      findings.error(PerfDiagnosticID.doesNotApply, "a block compares or varies, not both", remedy: "make two blocks of it", at: fields.place("vary"))
      return nil
    }
    let builder = ArmBuilder(planning: self, block: fields, base: base, seed: seed)
    let cell: LoadCell?
    if fields.has("compare") {
      cell = comparison(fields, builder)
    } else if fields.has("vary") {
      cell = sweep(fields, builder)
    } else {
      cell = builder.arm(block.id, variant: nil).map { LoadCell(arms: [$0], design: .single) }
    }
    guard let cell else { return nil }
    var isComparison = false
    if case .compare = cell.design { isComparison = true }
    let face = BlockFace(
      id: block.id, kind: "load", arms: cell.arms.map(\.name), params: cell.arms.map(\.params), isComparison: isComparison,
      metrics: MetricSets.load, wholeMetrics: cell.arms.count > 1 ? MetricSets.loadWhole : [])
    var plots = readPlots(fields, face)
    if plots == nil {
      if case .sweep(let param, _, _) = cell.design {
        plots = [PlotSpec(kind: .curve, x: param, y: ["p99"])]
      } else {
        plots = [PlotSpec(kind: .distribution)]
      }
    }
    return finish(block, fields, .load(cell), face, plots ?? [])
  }

  // MARK: Designs

  private func comparison(_ fields: Fields, _ builder: ArmBuilder) -> LoadCell? {
    guard let compare = fields.fields("compare"), let baseline = compare.contents("baseline") else { return nil }
    var variants = [baseline] + compare.items("candidates")
    if variants.count == 1 {
      findings.error(PerfDiagnosticID.outOfRange, "`candidates` is empty: there is nothing to compare", remedy: "add one: - {name: 'on', set: {…}}", at: compare.place("candidates"))
      return nil
    }
    if variants.count > 8 {
      findings.error(PerfDiagnosticID.outOfRange, "a comparison has at most 7 candidates", remedy: "make several blocks of it", at: compare.place("candidates"))
      variants = Array(variants.prefix(8))
    }
    var arms: [LoadArm] = []
    var names: Set<String> = []
    for variant in variants {
      let layer = Fields(variant, .variant, findings)
      guard let name = layer.text("name") else { continue }
      if BlockFace.reserved.contains(name) {
        findings.error(PerfDiagnosticID.badName, "`\(name)` has a meaning in addresses and cannot name a variant", remedy: "such as `plain` or `cached`", at: layer.place("name"))
      }
      if !names.insert(name).inserted {
        findings.error(PerfDiagnosticID.duplicateName, "two variants are called `\(name)`", remedy: "give each its own name", at: layer.place("name"))
      }
      if let arm = builder.arm(name, variant: layer) { arms.append(arm) }
    }
    let metric = compare.text("metric") ?? "mean"
    guard MetricSets.load.contains(metric) else {
      findings.error(
        PerfDiagnosticID.unknownMetric, "there is no metric `\(metric)` to compare", remedy: suggestion(for: metric, among: MetricSets.load.sorted(), what: "metrics"),
        at: compare.contents("metric")?.range ?? compare.place("metric"))
      return nil
    }
    guard arms.count == variants.count, let runs = compare.integer("runs") else { return nil }
    return LoadCell(arms: arms, design: .compare(Comparison(runs: runs, metric: metric)))
  }

  private func sweep(_ fields: Fields, _ builder: ArmBuilder) -> LoadCell? {
    guard let vary = fields.fields("vary"), let param = vary.text("param") else { return nil }
    let key: Key
    if Self.variedFields.contains(param), let row = Shape.load.key(param) {
      key = row
    } else if let row = builder.draft(variant: nil).key(at: param) {
      key = row
    } else {
      findings.error(
        PerfDiagnosticID.unknownPath, "the system has no `\(param)` to vary",
        remedy: suggestion(for: param, among: builder.base.paths + Self.variedFields, what: "what can be varied"), at: vary.contents("param")?.range ?? vary.place("param"))
      return nil
    }
    let points = values(vary, "values", key)
    let quick = values(vary, "quick", key)
    guard !points.isEmpty else {
      if vary.items("values").isEmpty {
        findings.error(PerfDiagnosticID.outOfRange, "`values` is empty: nothing is varied", remedy: "such as [100, 1000, 5000]", at: vary.place("values"))
      }
      return nil
    }
    if points.count > 64 {
      findings.error(PerfDiagnosticID.outOfRange, "a sweep has at most 64 points, not \(points.count)", remedy: "leave some out", at: vary.place("values"))
      return nil
    }
    for point in quick where !points.contains(where: { $0.number == point.number }) {
      findings.error(PerfDiagnosticID.outOfRange, "`quick` has \(point.text), which is not one of the values", remedy: "it is the part of `values` that is measured with --quick", at: point.place)
    }
    let last = param.split(separator: ".").last.map(String.init) ?? param
    var arms: [LoadArm] = []
    for (i, point) in points.enumerated() {
      if points[..<i].contains(where: { $0.number == point.number }) {
        findings.error(PerfDiagnosticID.duplicateName, "the value \(point.text) is given twice", remedy: "keep one of them", at: point.place)
        continue
      }
      if var arm = builder.arm(point.text, variant: nil, varied: (param, point.value, point.place)) {
        arm.params = [last: point.number]
        arms.append(arm)
      }
    }
    guard arms.count == points.count else { return nil }
    return LoadCell(arms: arms, design: .sweep(param: param, values: points.map(\.number), quick: quick.map(\.number)))
  }

  static let variedFields = ["rate", "vus", "iterations", "connections", "thinkTime"]

  struct Point {
    var text: String
    var value: Value
    var number: Double
    var place: SourceRange
  }

  /// The values of a sweep, each by its parameter's type.
  private func values(_ vary: Fields, _ name: String, _ key: Key) -> [Point] {
    vary.items(name).compactMap { item in
      switch convert(item, key) {
      case .success(let value?):
        if let number = value.plain { return Point(text: item.text ?? "", value: value, number: number, place: item.range) }
        findings.error(PerfDiagnosticID.wrongType, "`\(key.name)` is a word, and a load block varies numbers", remedy: "use `compare` with a variant for each word", at: item.range)
      case .success(nil): findings.error(PerfDiagnosticID.wrongType, "`\(key.name)` cannot be varied", remedy: "use `compare`", at: item.range)
      case .failure(let problem): findings.error(problem.id, problem.cause, remedy: problem.remedy, at: item.range)
      }
      return nil
    }
  }
}

/// Makes the arms of one block.
struct ArmBuilder {
  let planning: Planning
  let block: Fields
  let base: SystemDraft
  let seed: UInt64

  /// The system with the block's and the variant's overrides.
  func draft(variant: Fields?) -> SystemDraft {
    var draft = base
    draft.apply(block.contents("set"), planning.findings)
    draft.apply(variant?.contents("set"), planning.findings)
    return draft
  }

  func arm(_ name: String, variant: Fields?, varied: (param: String, value: Value, place: SourceRange)? = nil) -> LoadArm? {
    var draft = draft(variant: variant)
    var field: (name: String, value: Value)?
    if let varied {
      if Planning.variedFields.contains(varied.param) {
        field = (varied.param, varied.value)
      } else {
        draft.set(varied.param, to: Parameter(value: varied.value, place: varied.place))
      }
    }
    let traffic = TrafficReader(
      layers: [variant, block].compactMap { $0 }, varied: field, draft: draft, seed: seed, findings: planning.findings)
    let profile = traffic.profile()
    let warm = traffic.warm()
    let faults = traffic.faults()
    guard let profile, let system = planning.resolver.resolve(draft, seed: planning.seed(for: draft.id)) else { return nil }
    return LoadArm(name: name, system: system, profile: profile, warm: warm, faults: faults)
  }
}

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
      findings.error(
        PerfDiagnosticID.doesNotApply, "a block compares or varies, not both", remedy: "make two blocks of it", at: fields.place("vary"))
      return nil
    }
    let builder = ArmBuilder(planning: self, block: fields, base: base, seed: seed)
    let built: BuiltLoad?
    if fields.has("compare") {
      built = comparison(fields, builder)
    } else if fields.has("vary") {
      built = sweep(fields, builder)
    } else {
      built = BuiltLoad(names: [block.id], params: [[:]], arms: [builder.arm(block.id, variant: nil)], design: .single)
    }
    guard let built else { return nil }
    let twin = twin(fields, built)
    var isComparison = false
    if case .compare = built.design { isComparison = true }
    let face = BlockFace(
      id: block.id, kind: "load", arms: built.names, params: built.params, isComparison: isComparison, metrics: MetricSets.load,
      wholeMetrics: built.names.count > 1 ? MetricSets.loadWhole : twin == .closed ? MetricSets.closedTwin : [], requests: requestNames(built.arms))
    var plots = readPlots(fields, face)
    if plots == nil {
      if case .sweep(let param, _, _) = built.design {
        plots = [PlotSpec(kind: .curve, x: param, y: ["p99"])]
      } else {
        plots = [PlotSpec(kind: .distribution)]
      }
    }
    let arms = built.arms.compactMap { $0 }
    var cell = LoadCell(arms: arms, design: built.design)
    cell.twin = twin
    var draft = finish(block, fields, .load(cell), face, plots ?? [])
    if twin != .sim, draft.cell.expects.contains(where: { $0.theory == "sim" && $0.value == nil }) {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`theory: sim` asks a simulated twin that this block does not have", remedy: "add `twin: sim`",
        at: fields.place("expect"))
    }
    draft.isBroken = arms.count < built.names.count
    return draft
  }

  /// The closed twin is of one open arm, the simulated one of any.
  private func twin(_ fields: Fields, _ built: BuiltLoad) -> LoadTwin? {
    guard fields.has("twin"), let twin = fields.text("twin").flatMap(LoadTwin.init) else { return nil }
    if twin == .sim { return twin }
    let isOpen = built.arms.allSatisfy { $0?.profile.executor.isOpen ?? true }
    guard built.names.count == 1, isOpen else {
      findings.error(
        PerfDiagnosticID.doesNotApply, isOpen ? "`twin: closed` is of a block with one arm" : "a closed block has no closed twin",
        remedy: isOpen ? "leave out `compare` and `vary`, or `twin`" : "use an executor with a rate", at: fields.place("twin"))
      return nil
    }
    return twin
  }

  /// Of all arms, in order; none where each has one.
  private func requestNames(_ arms: [LoadArm?]) -> [String] {
    var names: [String] = []
    for arm in arms.compactMap(\.self) where arm.profile.requestNames.count > 1 {
      for name in arm.profile.requestNames where !names.contains(name) { names.append(name) }
    }
    return names
  }

  /// Arms by name, nil where one has mistakes: addresses of the block can be checked all the same.
  private struct BuiltLoad {
    var names: [String] = []
    var params: [[String: Double]] = []
    var arms: [LoadArm?] = []
    var design: Design
  }

  // MARK: Designs

  private func comparison(_ fields: Fields, _ builder: ArmBuilder) -> BuiltLoad? {
    guard let compare = fields.fields("compare"), let baseline = compare.contents("baseline") else { return nil }
    var variants = [baseline] + compare.items("candidates")
    if variants.count == 1 {
      findings.error(
        PerfDiagnosticID.outOfRange, "`candidates` is empty: there is nothing to compare", remedy: "add one: - {name: 'on', set: {…}}",
        at: compare.place("candidates"))
      return nil
    }
    if variants.count > 8 {
      findings.error(
        PerfDiagnosticID.outOfRange, "a comparison has at most 7 candidates", remedy: "make several blocks of it",
        at: compare.place("candidates"))
      variants = Array(variants.prefix(8))
    }
    var built = BuiltLoad(design: .compare(Comparison(runs: compare.integer("runs") ?? 8, metric: compare.text("metric") ?? "mean")))
    for variant in variants {
      let layer = Fields(variant, .variant, findings)
      guard let name = layer.text("name") else { continue }
      if BlockFace.reserved.contains(name) {
        findings.error(
          PerfDiagnosticID.badName, "`\(name)` has a meaning in addresses and cannot name a variant", remedy: "such as `plain` or `cached`",
          at: layer.place("name"))
      }
      if built.names.contains(name) {
        findings.error(
          PerfDiagnosticID.duplicateName, "two variants are called `\(name)`", remedy: "give each its own name", at: layer.place("name"))
      }
      built.names.append(name)
      built.params.append([:])
      built.arms.append(builder.arm(name, variant: layer))
    }
    let metric = compare.text("metric") ?? "mean"
    guard MetricSets.load.contains(metric) else {
      findings.error(
        PerfDiagnosticID.unknownMetric, "there is no metric `\(metric)` to compare",
        remedy: suggestion(for: metric, among: MetricSets.load.sorted(), what: "metrics"),
        at: compare.contents("metric")?.range ?? compare.place("metric"))
      return nil
    }
    return built.names.count > 1 ? built : nil
  }

  private func sweep(_ fields: Fields, _ builder: ArmBuilder) -> BuiltLoad? {
    guard let vary = fields.fields("vary"), let param = vary.text("param") else { return nil }
    let key: Key
    if Self.variedFields.contains(param), let row = Shape.load.key(param) {
      key = row
    } else if let row = builder.draft(variant: nil).key(at: param) {
      key = row
    } else {
      findings.error(
        PerfDiagnosticID.unknownPath, "the system has no `\(param)` to vary",
        remedy: suggestion(for: param, among: builder.base.paths + Self.variedFields, what: "what can be varied"),
        at: vary.contents("param")?.range ?? vary.place("param"))
      return nil
    }
    let points = values(vary, "values", key)
    let quick = values(vary, "quick", key)
    guard !points.isEmpty else {
      if vary.items("values").isEmpty {
        findings.error(
          PerfDiagnosticID.outOfRange, "`values` is empty: nothing is varied", remedy: "such as [100, 1000, 5000]", at: vary.place("values")
        )
      }
      return nil
    }
    if points.count > 64 {
      findings.error(
        PerfDiagnosticID.outOfRange, "a sweep has at most 64 points, not \(points.count)", remedy: "leave some out",
        at: vary.place("values"))
      return nil
    }
    for point in quick where !points.contains(where: { $0.number == point.number }) {
      findings.error(
        PerfDiagnosticID.outOfRange, "`quick` has \(point.text), which is not one of the values",
        remedy: "it is the part of `values` that is measured with --quick", at: point.place)
    }
    let last = param.split(separator: ".").last.map(String.init) ?? param
    var built = BuiltLoad(design: .sweep(param: param, values: points.map(\.number), quick: quick.map(\.number)))
    for (i, point) in points.enumerated() {
      if points[..<i].contains(where: { $0.number == point.number }) {
        findings.error(
          PerfDiagnosticID.duplicateName, "the value \(point.text) is given twice", remedy: "keep one of them", at: point.place)
        continue
      }
      var arm = builder.arm(point.text, variant: nil, varied: (param, point.value, point.place))
      arm?.params = [last: point.number]
      built.names.append(point.text)
      built.params.append([last: point.number])
      built.arms.append(arm)
    }
    return built
  }

  static let variedFields = ["rate", "vus", "iterations", "connections", "thinkTime"]

  struct Point {
    var text: String
    var value: Value
    var number: Double
    var place: SourceRange
  }

  /// The values of a sweep, each by its parameter's type.
  func values(_ vary: Fields, _ name: String, _ key: Key) -> [Point] {
    vary.items(name).compactMap { item in
      switch convert(item, key) {
      case .success(let value?):
        if let number = value.plain { return Point(text: item.text ?? "", value: value, number: number, place: item.range) }
        findings.error(
          PerfDiagnosticID.wrongType, "`\(key.name)` is a word, and a load block varies numbers",
          remedy: "use `compare` with a variant for each word", at: item.range)
      case .success(nil):
        findings.error(PerfDiagnosticID.wrongType, "`\(key.name)` cannot be varied", remedy: "use `compare`", at: item.range)
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
      layers: [variant, block].compactMap { $0 }, varied: field, draft: draft, seed: seed, readFile: planning.context.data,
      findings: planning.findings)
    let profile = traffic.profile()
    let warm = traffic.warm()
    let faults = traffic.faults()
    guard let profile, let system = planning.resolver.resolve(draft, seed: planning.seed(for: draft.id)) else { return nil }
    return LoadArm(name: name, system: system, profile: profile, warm: warm, faults: faults)
  }
}

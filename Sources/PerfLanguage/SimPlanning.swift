// `sim` blocks and the arguments of `nb sim`: values by the table of models (ExperimentModel), each read as its parameter's
// kind says. A parameter inside another may be written either way: `service: {mean: 20ms, cv2: 4}` or `service.cv2: 4`.

import ExperimentModel
import StrictYAML
import TextModel

extension SimParameter.Kind {
  /// The same in the language's terms.
  var keyType: KeyType {
    switch self {
    case .number(let range): .number(range)
    case .whole(let range): .integer(range.lowerBound)
    case .time: .duration
    case .rate: .rate
    case .share: .share
    case .size: .size
    case .word(let words): .word(words)
    }
  }
}

/// Reads parameters of one model into an arm.
struct SimParameterReader {
  let model: SimModel
  let findings: Findings

  /// Every parameter that has a standard, with it.
  var standards: SimArm {
    var arm = SimArm(name: "", words: [:], numbers: [:])
    for parameter in model.parameters {
      guard let standard = parameter.standard, case .success(let value?) = parseValue(standard, parameter.kind.keyType) else { continue }
      put(value, parameter, into: &arm)
    }
    return arm
  }

  private func put(_ value: Value, _ parameter: SimParameter, into arm: inout SimArm) {
    if let number = value.plain { arm.numbers[parameter.key] = number } else if case .text(let word) = value { arm.words[parameter.key] = word }
  }

  /// Adds what a mapping says.
  func read(_ node: YAMLNode?, into arm: inout SimArm, prefix: String = "") {
    guard let node else { return }
    guard let entries = node.entries else {
      findings.error(
        PerfDiagnosticID.wrongType, "`params` is a mapping by name, not \(node.kindName)", remedy: "such as {\(model.parameters.first?.name ?? "n"): …}",
        at: node.range)
      return
    }
    for entry in entries {
      let name = prefix + entry.key
      if entry.value.entries != nil, model.parameters.contains(where: { $0.name.hasPrefix(name + ".") }) {
        read(entry.value, into: &arm, prefix: name + ".")
      } else {
        read(name, entry.value, at: entry.keyRange, into: &arm)
      }
    }
  }

  /// - Returns: false after a report.
  @discardableResult func read(_ name: String, _ node: YAMLNode, at place: SourceRange, into arm: inout SimArm) -> Bool {
    guard let parameter = model.parameter(name) else {
      findings.error(
        PerfDiagnosticID.unknownPath, "the model `\(model.name)` has no `\(name)`",
        remedy: suggestion(for: name, among: model.parameters.map(\.name), what: "its parameters"), at: place)
      return false
    }
    switch convert(node, Key(name, parameter.kind.keyType, parameter.meaning)) {
    case .success(let value?):
      if case .whole(let range) = parameter.kind, let number = value.plain, number > Double(range.upperBound) {
        findings.error(
          PerfDiagnosticID.outOfRange, "`\(name)` is at most \(range.upperBound), not \(numberText(number))", remedy: "write less", at: node.range)
        return false
      }
      put(value, parameter, into: &arm)
      return true
    case .success(nil): return false
    case .failure(let problem):
      findings.error(problem.id, problem.cause, remedy: problem.remedy, at: node.isNull ? place : node.range)
      return false
    }
  }
}

extension Planning {
  func planSim(_ block: Block, _ fields: Fields) -> CellDraft? {
    guard let name = fields.text("model"), let model = SimModel.named(name), let replications = fields.integer("replications") else { return nil }
    let reader = SimParameterReader(model: model, findings: findings)
    var base = reader.standards
    reader.read(fields.contents("params"), into: &base)
    for key in ["customers", "horizon"] {
      if let node = fields.contents(key) { reader.read(key, node, at: fields.place(key), into: &base) }
    }
    if fields.has("compare"), fields.has("vary") {
      findings.error(
        PerfDiagnosticID.doesNotApply, "a block compares or varies, not both", remedy: "make two blocks of it", at: fields.place("vary"))
      return nil
    }
    var comparison: Comparison?
    var arms = [base]
    if let compare = fields.fields("compare") {
      (arms, comparison) = variants(compare, base, reader, replications)
    } else {
      for axis in axes(fields) { arms = varied(arms, axis, reader) }
      if !fields.has("vary"), !arms.isEmpty { arms[0].name = base.words["policy"] ?? model.name }
      if fields.has("vary"), arms.contains(where: { $0.name.isEmpty }) { return nil }
    }
    guard !arms.isEmpty else { return nil }
    let face = BlockFace(
      id: block.id, kind: "sim", arms: arms.map(\.name), params: arms.map { _ in [:] }, isComparison: comparison != nil, metrics: model.metrics)
    var cell = SimCell(model: name, arms: arms, replications: replications, seed: seed(for: block.id))
    cell.comparison = comparison
    let validations = fields.items("validate").compactMap(validation)
    cell.validations = validations.isEmpty ? nil : validations
    return finish(block, fields, .sim(cell), face, readPlots(fields, face) ?? [])
  }

  // MARK: Arms

  private func axes(_ fields: Fields) -> [(param: String, place: SourceRange, points: [YAMLNode])] {
    guard let vary = fields.contents("vary") else { return [] }
    let items = vary.items ?? [vary]
    if items.count > 2 {
      findings.error(
        PerfDiagnosticID.outOfRange, "a simulation varies at most two parameters, not \(items.count)", remedy: "make two blocks of it",
        at: fields.place("vary"))
    }
    return items.compactMap { item in
      let axis = Fields(item, .vary, findings)
      guard let param = axis.text("param") else { return nil }
      if axis.has("quick") {
        findings.error(
          PerfDiagnosticID.doesNotApply, "`quick` does nothing in a simulation, which has fewer requests with --quick",
          remedy: "leave it out", at: axis.place("quick"))
      }
      return (param, axis.contents("param")?.range ?? item.range, axis.items("values"))
    }
  }

  /// One arm for each combination; its name is its values, `lru-0.9`, or the parameter too where that is the first number, `s-0.9`.
  private func varied(
    _ arms: [SimArm], _ axis: (param: String, place: SourceRange, points: [YAMLNode]), _ reader: SimParameterReader
  ) -> [SimArm] {
    guard let parameter = reader.model.parameter(axis.param) else {
      findings.error(
        PerfDiagnosticID.unknownPath, "the model `\(reader.model.name)` has no `\(axis.param)` to vary",
        remedy: suggestion(for: axis.param, among: reader.model.parameters.map(\.name), what: "its parameters"), at: axis.place)
      return []
    }
    let isWord = if case .word = parameter.kind { true } else { false }
    let title = String(axis.param.split(separator: ".").last ?? "").replacing("_", with: "-")
    var next: [SimArm] = []
    for arm in arms {
      for point in axis.points {
        var one = arm
        guard reader.read(axis.param, point, at: axis.place, into: &one) else { return [] }
        let label = (isWord || !arm.name.isEmpty ? "" : "\(title)-") + (point.text ?? "").replacing(" ", with: "")
        one.name = arm.name.isEmpty ? label : "\(arm.name)-\(label)"
        next.append(one)
      }
    }
    return next
  }

  // MARK: Comparison

  private func variants(
    _ compare: Fields, _ base: SimArm, _ reader: SimParameterReader, _ replications: Int
  ) -> (arms: [SimArm], comparison: Comparison?) {
    for key in ["runs", "order"] where compare.has(key) {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(key)` does nothing in a simulation: its replications are paired by their random numbers",
        remedy: "leave it out", at: compare.place(key))
    }
    guard let baseline = compare.contents("baseline") else { return ([], nil) }
    var arms: [SimArm] = []
    for node in [baseline] + compare.items("candidates") {
      let variant = Fields(node, .variant, findings)
      guard let name = variant.text("name") else { continue }
      if BlockFace.reserved.contains(name) || arms.contains(where: { $0.name == name }) {
        findings.error(
          PerfDiagnosticID.badName, "an arm cannot be called `\(name)`", remedy: "choose another name", at: variant.contents("name")?.range ?? node.range)
      }
      for entry in node.entries ?? [] where entry.key != "name" && entry.key != "set" && Shape.variant.key(entry.key) != nil {
        findings.error(
          PerfDiagnosticID.doesNotApply, "a variant of a simulation has no `\(entry.key)`", remedy: "it has `name`, and `set` with parameters of the model",
          at: entry.keyRange)
      }
      var arm = base
      arm.name = name
      reader.read(variant.contents("set"), into: &arm)
      arms.append(arm)
    }
    let metric = compare.has("metric") ? compare.text("metric") ?? "" : reader.model.metric
    if !reader.model.metrics.contains(metric) {
      findings.error(
        PerfDiagnosticID.unknownMetric, "the model `\(reader.model.name)` has no metric `\(metric)`",
        remedy: suggestion(for: metric, among: reader.model.metrics.sorted(), what: "its metrics"), at: compare.place("metric"))
    }
    return (arms, Comparison(runs: replications, metric: metric))
  }

  private func validation(_ node: YAMLNode) -> SimValidation? {
    let fields = Fields(node, .validation, findings)
    guard let theory = fields.text("against"), let name = fields.text("model"), let model = SimModel.named(name), let metric = fields.text("metric"),
      let tolerance = fields.number("tolerance")
    else { return nil }
    let reader = SimParameterReader(model: model, findings: findings)
    var arm = reader.standards
    reader.read(fields.contents("params"), into: &arm)
    guard model.metrics.contains(metric) else {
      findings.error(
        PerfDiagnosticID.unknownMetric, "the model `\(name)` has no metric `\(metric)`",
        remedy: suggestion(for: metric, among: model.metrics.sorted(), what: "its metrics"), at: fields.contents("metric")?.range ?? node.range)
      return nil
    }
    return SimValidation(theory: theory, model: name, arm: arm, metric: metric, tolerance: tolerance)
  }
}

/// What `nb sim MODEL --set …` asks for.
public struct TypedSimulation: Sendable {
  public var model: SimModel
  public var cell: SimCell
}

/// Reads `NAME=VALUE` as `params` of a block would be; `replications` is one of the names.
///
/// - Returns: nil when something is wrong; then `diagnostics` say what, without a place.
public func typedSimulation(_ name: String, set: [String], seed: UInt64, diagnostics: inout Diagnostics) -> TypedSimulation? {
  let findings = Findings()
  defer { for one in findings.diagnostics.all { diagnostics.add(one) } }
  let nowhere = SourceRange(0, 0)
  guard let model = SimModel.named(name) else {
    findings.error(
      PerfDiagnosticID.unknownValue, "there is no model `\(name)`", remedy: suggestion(for: name, among: SimModel.all.map(\.name), what: "models"), at: nowhere)
    return nil
  }
  let reader = SimParameterReader(model: model, findings: findings)
  var arm = reader.standards
  var replications = 20
  for text in set {
    guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
      findings.error(PerfDiagnosticID.wrongType, "`--set \(text)` is not NAME=VALUE", remedy: "such as --set \(model.parameters[0].name)=…", at: nowhere)
      continue
    }
    let (key, value) = (String(text[..<equals]), String(text[text.index(after: equals)...]))
    if key == "replications" {
      guard let count = Int(value), count >= 1, count <= 100_000 else {
        findings.error(PerfDiagnosticID.outOfRange, "`replications` is a whole number from 1 to 100000, not `\(value)`", remedy: "such as 20", at: nowhere)
        continue
      }
      replications = count
    } else {
      reader.read(key, YAMLNode(.scalar(YAMLScalar(value, .plain)), at: nowhere), at: nowhere, into: &arm)
    }
  }
  guard findings.diagnostics.all.isEmpty else { return nil }
  arm.name = model.name
  return TypedSimulation(model: model, cell: SimCell(model: name, arms: [arm], replications: replications, seed: seed))
}

/// A model's parameters in words, for `nb sim describe`.
public func modelParameters(_ model: SimModel) -> [(name: String, value: String, standard: String?, meaning: String)] {
  model.parameters.map { ($0.name, $0.kind.keyType.words.replacing("`", with: ""), $0.standard, $0.meaning) }
}

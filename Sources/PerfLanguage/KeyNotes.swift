// The key table as an editor shows it: which keys may stand at a place of a block, what each means, which values it takes. A place is a path
// of keys from the block's root, so that it can be asked of text that is not whole YAML yet.

import ExperimentModel

/// A row of the key table, or a name that stands where a key does: a stage, a metric, a path of a system.
public struct KeyNote: Hashable, Sendable {
  /// What is written after `key:`.
  public enum Form: Hashable, Sendable { case scalar, mapping, list }
  public var name: String
  /// What its value may be, in words.
  public var value: String
  public var meaning: String
  public var standard: String?
  public var isRequired: Bool
  public var form: Form
  /// Words that are the whole choice.
  public var words: [String]
  /// Units that a number of this kind may have.
  public var units: [String]

  init(_ key: Key) {
    (name, value, meaning, standard, isRequired) = (key.name, key.type.words, key.meaning, key.standard, key.required)
    (form, words, units) = (.scalar, [], [])
    switch key.type {
    case .word(let all): words = all
    case .flag: words = ["true", "false"]
    case .duration: units = Self.units(.nanoseconds)
    case .rate: units = Self.units(.perSecond)
    case .size: units = Self.units(.bytes)
    case .share: units = Self.units(.share)
    case .shape: form = .mapping
    case .list, .texts: form = .list
    case .other: form = Self.written[key.name] ?? .scalar
    default: break
    }
  }

  init(_ name: String, value: String, _ meaning: String, _ form: Form = .scalar) {
    (self.name, self.value, self.meaning, self.form) = (name, value, meaning, form)
    (standard, isRequired, words, units) = (nil, false, [], [])
  }

  func renamed(_ name: String) -> KeyNote {
    var note = self
    note.name = name
    return note
  }

  private static func units(_ unit: MetricUnit) -> [String] { UnitSpelling.all.filter { $0.unit == unit }.map(\.name) }

  /// How rows that code reads are begun.
  private static let written: [String: Form] = [
    "set": .mapping, "thresholds": .mapping, "expect": .mapping, "params": .mapping, "inputs": .mapping, "roi": .mapping, "data": .mapping,
    "routes": .mapping, "instances": .mapping, "headers": .mapping, "baseline": .mapping, "capture": .mapping, "counts": .mapping,
  ]
}

/// A mapping on the way to a place: the key under which the next one stands (`-` for an item of a list), and the scalars written beside it.
public struct BlockLevel: Hashable, Sendable {
  public var key: String
  public var scalars: [String: String]
  public init(_ key: String, _ scalars: [String: String]) {
    self.key = key
    self.scalars = scalars
  }
}

/// The keys that may stand in the mapping at the end of a path, for the mapping's own scalars `here`.
///
/// - Parameters:
///   - path: from the block's root; empty: the root itself.
///   - settings: what `set` may name, by system; asked only where it is needed.
public func keyNotes(at path: [BlockLevel], here: [String: String], settings: (String) -> [KeyNote]) -> [KeyNote] {
  let root = path.first?.scalars ?? here
  switch place(at: path, here: here) {
  case .shape(let shape): return shape.keys.map { KeyNote($0) }
  case .requests: return (Shape.request.keys + Shape.journey.keys.filter { Shape.request.key($0.name) == nil }).map { KeyNote($0) }
  case .stageNames: return stageKinds.map { KeyNote($0.rawValue, value: KeyType.shape($0).words, "a stage of a route", .mapping) }
  case .metrics: return metricNotes(root["kind"] == "sim" || root["of"] == "sim" ? .sim : Shape(rawValue: root["kind"] ?? ""))
  case .settings: return settings(root["uses"] ?? root["extends"] ?? "")
  case .parameters(let model):
    return (SimModel.named(model)?.parameters ?? []).map { KeyNote(Key($0.name, $0.kind.keyType, $0.meaning, standard: $0.standard)) }
  case .inputs(let rows): return rows.map { KeyNote($0.name, value: spelling(of: $0.unit).name, $0.meaning) }
  case .kinds:
    return [KeyNote("kind", value: "the block's kind", "says what the block is"), KeyNote(Key("id", .name, "unique in the notebook", required: true))]
  case .free: return []
  }
}

/// The words and sugar that `kind:` takes, with what they mean.
public var blockKinds: [KeyNote] {
  let meaning: [Shape: String] = [
    .lesson: "day, title and claims", .system: "the lab topology", .load: "HTTP traffic on a system",
    .bench: "fences, commands and built-in work, timed in pairs",
    .sim: "a discrete-event simulation beside its closed form", .cost: "money by formula", .check: "the exercise", .observe: "a question to telemetry",
    .slo: "an objective with burn-rate alerts", .runbook: "symptom, metrics, steps",
  ]
  let sugar = ["compare", "sweep", "chaos"].map { KeyNote($0, value: "sugar, with `of:`", "a load, bench or sim block with this part") }
  return Shape.blocks.map { KeyNote($0.rawValue, value: $0.title, meaning[$0] ?? "") } + sugar
}

/// Names of closed forms that `theory` takes.
public var theoryNotes: [KeyNote] { theories.map { KeyNote($0.name, value: $0.metrics.joined(separator: ", "), $0.meaning) } }

public func metricNote(_ name: String) -> KeyNote? { Metric.named(name).map(note) }

private func note(_ metric: Metric) -> KeyNote { KeyNote(metric.name, value: spelling(of: metric.unit).name, metric.meaning) }

private func metricNotes(_ kind: Shape?) -> [KeyNote] {
  let names: Set<String>? =
    switch kind {
    case .load: MetricSets.load.union(MetricSets.loadWhole)
    case .bench: MetricSets.bench.union(MetricSets.benchWhole).union(MetricSets.items)
    case .sim: MetricSets.sim
    case .cost: MetricSets.cost
    default: nil
    }
  return Metric.all.filter { names?.contains($0.name) ?? true }.map(note)
}

// MARK: Places

/// What a mapping at a path holds.
private enum Place {
  case shape(Shape)
  case requests, stageNames, metrics, settings, kinds
  /// Of this model.
  case parameters(String)
  case inputs([CostInputRow])
  /// Names that the author chooses, or what the table does not know.
  case free
}

private func place(at path: [BlockLevel], here: [String: String]) -> Place {
  let root = path.first?.scalars ?? here
  let word = root["kind"] ?? ""
  let kind = ["compare", "sweep", "chaos"].contains(word) ? root["of"] ?? "load" : word
  guard let shape = Shape.blocks.first(where: { $0.rawValue == kind }) else { return .kinds }
  var now = Step.place(.shape(shape))
  for (i, level) in path.enumerated() {
    now = now.into(level.key, scalars: i + 1 < path.count ? path[i + 1].scalars : here, beside: level.scalars, root: root)
  }
  switch now {
  case .place(let place): return place
  case .routes, .names, .stages: return .free
  }
}

/// Where the walk stands: in a mapping, or in one whose keys the author chooses.
private enum Step {
  case place(Place)
  case routes
  /// Names of the author's, each a mapping of this shape.
  case names(Shape)
  /// A list of stages.
  case stages

  func into(_ key: String, scalars: [String: String], beside: [String: String], root: [String: String]) -> Step {
    switch self {
    case .routes: return .stages
    case .names(let shape): return .place(.shape(shape))
    case .stages: return key == "-" ? .place(.stageNames) : .place(.free)
    case .place(.stageNames): return stageKinds.first { $0.rawValue == key }.map { .place(.shape($0)) } ?? .place(.free)
    case .place(.metrics): return key == "-" ? .place(.shape(.threshold)) : .place(.shape(.expectation))
    case .place(.requests): return key == "-" || key == "steps" ? self : key == "key" ? .place(.shape(.keys)) : .place(.free)
    case .place(.shape(let shape)): return inside(shape, key, scalars, beside: beside, root)
    case .place: return .place(.free)
    }
  }

  private func inside(_ shape: Shape, _ key: String, _ scalars: [String: String], beside: [String: String], _ root: [String: String]) -> Step {
    if key == "-" { return self }
    switch (shape, key) {
    case (.system, "data"): return .names(.dataset)
    case (.system, _) where Shape.system.key(key) == nil || ["origin", "edge", "worker"].contains(key):
      let kind = scalars["kind"] ?? key
      return .place(.shape(kind == "edge" ? .edge : kind == "worker" ? .worker : .role))
    case (.role, "routes"): return .routes
    case (.worker, "stages"), (.lock, "inside"): return .stages
    case (_, "scenario"): return .place(.requests)
    case (_, "thresholds"), (_, "expect"): return .place(.metrics)
    case (_, "set"): return .place(.settings)
    case (.sim, "params"), (.validation, "params"): return .place(.parameters((shape == .sim ? root : beside)["model"] ?? ""))
    case (.cost, "inputs"): return .place(.inputs(CostFormula.named(root["formula"] ?? "")?.rows ?? []))
    case (.cost, "roi"): return .place(.inputs(CostFormula.named(root["formula"] ?? "")?.roiRows ?? []))
    case (.sim, "validate"): return .place(.shape(.validation))
    default: return shape.key(key).flatMap { $0.innerShape(in: shape) }.map { .place(.shape($0)) } ?? .place(.free)
    }
  }
}

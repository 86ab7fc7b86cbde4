// The one table of keys. It drives the parser (Fields.swift), `nb explain` (Explain.swift) and the
// reference page (ReferencePage.swift), so that none of them can say something that another does not.
// The rows are in KeyTable+Blocks.swift and KeyTable+Systems.swift.

/// Mappings that have a fixed set of keys.
enum Shape: String, CaseIterable {
  // Blocks, by kind.
  case lesson, system, load, bench, sim, cost, check, observe, slo, runbook
  // Parts of declaring blocks.
  case claim, minutes
  case blockTime = "block_time"
  case requires
  case runbookMetric = "runbook metric"
  // Systems.
  case role, worker, edge, health, retry, hedge, breaker, shed
  case edgeCache = "cache of an edge"
  case edgeLimit = "limit of an edge"
  case link = "shape of an edge"
  case telemetry, hidden, answer
  case queue, cache, sql, wait, bytes, cpu, call, alloc, io, infer, publish, lock, limit, error, dataset
  // Load.
  case stage = "ramp stage"
  case request, journey
  case rows = "data of a load"
  case keys = "key distribution"
  case variant, compare, vary, fault, warm
  // Judging and plots.
  case threshold, expectation, plot
  // Other kinds.
  case subject
  case pairing = "compare of a bench"
  case validation
  case bracket, edit
  case sizes = "vary of a bench"
  case fit
  // Service level objectives.
  case indicator
  case ratioMetric
  case objective, timeWindow, alert
  // Telemetry.
  case sampling
  case samplingPolicy = "policy of `tail`"

  static let blocks: [Shape] = [.lesson, .system, .load, .bench, .sim, .cost, .check, .observe, .slo, .runbook]

  /// Where it stands, for messages and the reference page.
  var title: String {
    switch self {
    case _ where Self.blocks.contains(self): "a `\(rawValue)` block"
    case .role: "a role"
    case .worker: "a worker"
    case _ where stageKinds.contains(self): "the stage `\(rawValue)`"
    case .edge: "a role of the kind `edge`"
    case .edgeCache, .edgeLimit, .link: "`\(rawValue.prefix { $0 != " " })` of an edge"
    case .rows: "`data` of a load"
    case .dataset, .request, .journey, .variant, .fault, .threshold, .plot, .subject, .claim, .bracket, .validation, .samplingPolicy: "a \(rawValue)"
    case .expectation, .objective, .alert: "an \(rawValue)"
    case .stage, .keys, .runbookMetric: "a \(rawValue)"
    case .pairing: "`compare` of a bench"
    case .sizes: "`vary` of a bench"
    default: "`\(rawValue)`"
    }
  }
}

/// What a key's value may be.
indirect enum KeyType {
  /// `[a-z][a-z0-9-]*`
  case name
  case text
  case word([String])
  /// A whole number of at least this.
  case integer(Int)
  /// A number within these bounds.
  case number(ClosedRange<Double>)
  case flag
  case duration
  case rate
  case size
  /// 0…1, or in percent.
  case share
  case shape(Shape)
  /// A list; of what, in words.
  case list(String)
  /// A list of scalars; of what, in words.
  case texts(String)
  /// Read by code; in words.
  case other(String)
}

/// One row of the table.
struct Key {
  var name: String
  var type: KeyType
  var required: Bool
  /// As it would be written; nil: nothing happens without the key.
  var standard: String?
  var meaning: String

  init(_ name: String, _ type: KeyType, _ meaning: String, required: Bool = false, standard: String? = nil) {
    self.name = name
    self.type = type
    self.meaning = meaning
    self.required = required
    self.standard = standard
  }
}

extension Shape {
  /// The rows of this shape, in the order in which `nb explain` prints them.
  var keys: [Key] { keyTable[self] ?? [] }

  func key(_ name: String) -> Key? { keys.first { $0.name == name } }

  /// The shape of what stands in a key's value, or in each item of its list.
  func inner(_ key: Key) -> Shape? {
    if case .shape(let inner) = key.type { return inner }
    return switch (self, key.name) {
    case (.compare, "baseline"), (.compare, "candidates"): .variant
    case (_, "stages"): .stage
    case (_, "scenario"): .request
    case (_, "faults"): .fault
    case (.slo, "objectives"): .objective
    case (.slo, "timeWindow"): .timeWindow
    case (.slo, "alerts"): .alert
    case (_, "plots"): .plot
    case (_, "claims"): .claim
    case (_, "subjects"): .subject
    case (.sim, "vary"): .vary
    case (.runbook, "metrics"): .runbookMetric
    default: nil
    }
  }

  /// Words of the language that this version of nb does not execute: named, so that a reader learns
  /// that the word is right and the version too old.
  var later: [String] {
    switch self {
    case .load: ["fit", "write", "steady_state", "telemetry"]
    case .bench: ["write", "validate"]
    case .sim: ["fit", "write"]
    case .cost: ["write"]
    case .observe: ["write"]
    case .slo: ["write"]
    case .cache: ["stale_while_revalidate"]
    case .sql: ["params", "database"]
    case .call: ["transport"]
    case .infer: ["device"]
    default: []
    }
  }
}

private let keyTable: [Shape: [Key]] = {
  var table = [systemKeys, flowKeys, edgeKeys, telemetryKeys, telemetryQueryKeys, hiddenKeys].reduce(blockKeys) { $0.merging($1) { a, _ in a } }
  for kind in stageKinds { table[kind]? += everyStageKeys }
  return table
}()

extension KeyType {
  /// In words, for messages and the reference page.
  var words: String {
    switch self {
    case .name: "a name such as `hit-curve`"
    case .text: "text"
    case .word(let words): words.map { "`\($0)`" }.joined(separator: ", ")
    case .integer(let least): least == Int.min ? "a whole number" : "a whole number ≥ \(least)"
    case .number(let range):
      range.upperBound == .infinity ? "a number ≥ \(range.lowerBound)" : "a number from \(range.lowerBound) to \(range.upperBound)"
    case .flag: "`true` or `false`"
    case .duration: "a time such as `20ms`"
    case .rate: "a rate such as `120rps` or `2k/s`"
    case .size: "a size such as `2KiB`"
    case .share: "a share such as `0.1` or `10pct`"
    case .shape(let shape): "a mapping with \(shape.keys.map { "`\($0.name)`" }.joined(separator: ", "))"
    case .list(let what), .texts(let what): "a list of \(what)"
    case .other(let what): what
    }
  }
}

// The plan: what PerfLanguage made of a notebook's blocks and what the runner executes, in order.

public struct Plan: Codable, Hashable, Sendable {
  public var lesson: LessonSpec?
  public var cells: [Cell]
  public var runbooks: [RunbookSpec]
  public init(lesson: LessonSpec?, cells: [Cell], runbooks: [RunbookSpec]) {
    self.lesson = lesson; self.cells = cells; self.runbooks = runbooks
  }
}

public struct LessonSpec: Codable, Hashable, Sendable {
  public var id: String
  public var day: Int
  public var title: String
  public var seed: UInt64
  public var claims: [Claim]
  /// problem, pattern, load, tradeoffs, docs
  public var minutes: [String: Int]
  public var blockTime: BlockTime?
  public init(
    id: String, day: Int, title: String, seed: UInt64, claims: [Claim], minutes: [String: Int],
    blockTime: BlockTime?
  ) {
    self.id = id; self.day = day; self.title = title; self.seed = seed; self.claims = claims
    self.minutes = minutes; self.blockTime = blockTime
  }
}

public struct Claim: Codable, Hashable, Sendable {
  public var id: String
  public var text: String
  /// `BLOCK.expect`, `BLOCK.thresholds`, or `BLOCK.gate`.
  public var verifiedBy: String
  public init(id: String, text: String, verifiedBy: String) {
    self.id = id; self.text = text; self.verifiedBy = verifiedBy
  }
}

public struct BlockTime: Codable, Hashable, Sendable {
  public var full: Nanoseconds
  public var quick: Nanoseconds
  public init(full: Nanoseconds, quick: Nanoseconds) { self.full = full; self.quick = quick }
}

/// One executing block.
public struct Cell: Codable, Hashable, Sendable {
  public var id: String
  public var title: String?
  public var work: Work
  public var thresholds: [Judgement]
  public var expects: [Expectation]
  public var gates: [Judgement]
  public var plots: [PlotSpec]
  public var blockTime: BlockTime?
  public var why: String?
  /// Block ids that this one reads (cost inputs, gates of a check); the runner runs them first.
  public var needs: [String]
  /// 10 hex digits over the resolved block, system, fences, data and kernel version.
  public var inputs: String
  /// Real programs that the cell, or one that it reads, was measured with; nil: the lab's own parts.
  public var components: [RealService]?
  /// What a machine must have; nil: nothing. Not part of the question.
  public var requires: Requirements?
  public init(
    id: String, title: String? = nil, work: Work, thresholds: [Judgement] = [],
    expects: [Expectation] = [], gates: [Judgement] = [], plots: [PlotSpec] = [],
    blockTime: BlockTime? = nil, why: String? = nil, needs: [String] = [], inputs: String
  ) {
    self.id = id; self.title = title; self.work = work; self.thresholds = thresholds
    self.expects = expects; self.gates = gates; self.plots = plots; self.blockTime = blockTime
    self.why = why; self.needs = needs; self.inputs = inputs
  }
}

public enum Work: Codable, Hashable, Sendable {
  case load(LoadCell)
  case bench(BenchCell)
  case sim(SimCell)
  case cost(CostCell)
  case check(CheckCell)
  case observe(ObserveCell)
  case slo(SLOCell)
  public var kind: String {
    switch self {
    case .load: "load"
    case .bench: "bench"
    case .sim: "sim"
    case .cost: "cost"
    case .check: "check"
    case .observe: "observe"
    case .slo: "slo"
    }
  }
}

/// How the arms of a cell relate.
public enum Design: Codable, Hashable, Sendable {
  case single
  /// `arms[0]` is the baseline; every other arm is a candidate; `runs` slices per arm, ABBA.
  case compare(Comparison)
  /// One arm per value of `param` (the full path; `params` of an arm has its last segment).
  /// `quick`: the subset of values measured with --quick.
  case sweep(param: String, values: [Double], quick: [Double])
}

public struct Comparison: Codable, Hashable, Sendable {
  public var runs: Int
  /// The metric the verdict is about; `mean` for load, `time` for bench.
  public var metric: String
  public init(runs: Int, metric: String) { self.runs = runs; self.metric = metric }
}

/// The same scenario a second time, to be held against the first.
public enum LoadTwin: String, Codable, Sendable, CaseIterable {
  /// With as many users, who each wait for their answer, as the open run had requests in flight on average.
  case closed
  /// In the simulation kernel, without a socket, many times.
  case sim
}

public struct LoadCell: Codable, Hashable, Sendable {
  public var arms: [LoadArm]
  public var design: Design
  /// Left out of the JSON when nil, so that plans without it keep their digest.
  public var twin: LoadTwin?
  public init(arms: [LoadArm], design: Design) { self.arms = arms; self.design = design }
}

public struct SimCell: Codable, Hashable, Sendable {
  public var model: String
  /// One per combination of varied parameters; numbers and words by parameter name.
  public var arms: [SimArm]
  public var replications: Int
  public var seed: UInt64
  // What follows is left out of the JSON when nil, so that plans without it keep their digest.
  /// `arms[0]` is the baseline, every other arm a candidate; `runs` are the replications.
  public var comparison: Comparison?
  public var validations: [SimValidation]?
  public init(model: String, arms: [SimArm], replications: Int, seed: UInt64) {
    self.model = model; self.arms = arms; self.replications = replications; self.seed = seed
  }
}

/// The engine checked on a system whose closed form is known.
public struct SimValidation: Codable, Hashable, Sendable {
  /// `erlang-c`
  public var theory: String
  public var model: String
  public var arm: SimArm
  public var metric: String
  /// A share of the closed form's value.
  public var tolerance: Double
  public init(theory: String, model: String, arm: SimArm, metric: String, tolerance: Double) {
    self.theory = theory; self.model = model; self.arm = arm; self.metric = metric; self.tolerance = tolerance
  }
}

public struct SimArm: Codable, Hashable, Sendable {
  public var name: String
  public var words: [String: String]
  public var numbers: [String: Double]
  public init(name: String, words: [String: String], numbers: [String: Double]) {
    self.name = name; self.words = words; self.numbers = numbers
  }
}

public struct CostCell: Codable, Hashable, Sendable {
  /// One of `CostFormula.all`.
  public var formula: String
  public var inputs: [String: CostInput]
  public var sources: [String]
  /// What the money is held against: effort and running cost. Left out of the JSON when nil.
  public var roi: [String: CostInput]?
  public init(formula: String, inputs: [String: CostInput], sources: [String]) {
    self.formula = formula; self.inputs = inputs; self.sources = sources
  }
}

public enum CostInput: Codable, Hashable, Sendable {
  case quantity(Quantity)
  case bracket(low: Double, base: Double, high: Double)
  /// `${onoff.delta.on.mean}`
  case reference(Address)
  /// `${market.aws.m7g-large.usd_per_hour}`, resolved when the plan is made. `source` is said beside the price, and is not part of the question.
  case fact(id: String, value: Double, unit: MetricUnit, asOf: String, stale: Bool, source: String? = nil)
}

public struct CheckCell: Codable, Hashable, Sendable {
  public var editParams: [String]
  public var hintAfter: Int?
  /// nil: the block asks for no answer. Left out of the JSON when nil.
  public var answer: CheckAnswer?
  /// Not part of the question. Left out of the JSON when nil.
  public var hints: [String]?
  public init(editParams: [String], hintAfter: Int?, answer: CheckAnswer? = nil) {
    self.editParams = editParams; self.hintAfter = hintAfter; self.answer = answer
  }
}

/// A learner's answer beside what their seed hides. Planning compares; neither a plan nor a result says what would be right.
public enum CheckAnswer: String, Codable, Sendable {
  /// Something of it is empty.
  case open
  case wrong, right
}

public struct RunbookSpec: Codable, Hashable, Sendable {
  public var id: String
  public var symptom: String
  public var metrics: [RunbookMetric]
  public var steps: [String]
  public var links: [String]
  public init(
    id: String, symptom: String, metrics: [RunbookMetric], steps: [String], links: [String]
  ) {
    self.id = id; self.symptom = symptom; self.metrics = metrics; self.steps = steps
    self.links = links
  }
}

public struct RunbookMetric: Codable, Hashable, Sendable {
  public var name: String
  /// As the author wrote it (`1.3x`, `30s`), or nil.
  public var warn: String?
  public var page: String?
  public init(name: String, warn: String?, page: String?) {
    self.name = name; self.warn = warn; self.page = page
  }
}

public struct PlotSpec: Codable, Hashable, Sendable {
  /// `picture`: those that follow from a query of telemetry.
  public enum Kind: String, Codable, Sendable { case distribution, curve, timeline, flame, picture }
  public var kind: Kind
  public var x: String?
  public var y: [String]
  public var overlay: String?
  public var logX: Bool
  public init(kind: Kind, x: String? = nil, y: [String] = [], overlay: String? = nil, logX: Bool = false) {
    self.kind = kind; self.x = x; self.y = y; self.overlay = overlay; self.logX = logX
  }
}

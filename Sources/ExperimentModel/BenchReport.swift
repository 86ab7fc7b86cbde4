// What `nb bench` found out, as one value: subjects with every sample, comparisons with their verdicts, doubts.
// Each export, the terminal's picture and its summary are made from this value and from nothing else.
// Nothing statistical is computed here: intervals and verdicts come with the value, from Statistics by way of the runner.

/// One bench run: subjects in the order they were named, and what was concluded.
public struct BenchReport: Codable, Hashable, Sendable {
  /// What the run is about; empty: nothing was named.
  public var title: String
  /// CPU, cores, kernel, nb version in one line.
  public var environment: String
  public var evidence: Evidence
  public var machine: MachineState
  public var subjects: [BenchSubject]
  /// Index in `subjects` of the one that the others are compared with.
  public var baseline: Int
  /// One per candidate; empty with a single subject.
  public var comparisons: [BenchComparison]
  /// The baseline against itself, as a ratio; nil: too few samples for one.
  public var control: Estimate?
  /// Differences below this share count as none: 0.02.
  public var equivalenceMargin: Double
  public var doubts: [Doubt]

  public init(
    title: String, environment: String, evidence: Evidence, machine: MachineState, subjects: [BenchSubject],
    baseline: Int = 0, comparisons: [BenchComparison], control: Estimate? = nil, equivalenceMargin: Double = 0.02,
    doubts: [Doubt] = []
  ) {
    self.title = title; self.environment = environment; self.evidence = evidence; self.machine = machine
    self.subjects = subjects; self.baseline = baseline; self.comparisons = comparisons; self.control = control
    self.equivalenceMargin = equivalenceMargin; self.doubts = doubts
  }
}

/// One subject and its samples; all lists per sample are in pairing order: sample i ran next to sample i of the others.
public struct BenchSubject: Codable, Hashable, Sendable {
  /// What was timed: a program, a code fence, or work built into the lab.
  public enum Kind: String, Codable, Sendable { case command, fence, builtin }

  public var name: String
  public var kind: Kind
  /// The command line as typed, `file.md#fence`, or the name of work that is built in.
  public var source: String
  /// What a parameter list put into the command, by parameter name.
  public var parameters: [String: String]
  /// Wall time of one run in ns (of one iteration, where a sample is several), one per sample.
  public var times: [Double]
  /// Median of `times` in ns with its 95 % interval; nil: no interval could be had, and the median is taken from `times`.
  public var median: Estimate?
  /// CPU time of one run in user mode, ns, one per sample; empty: not known.
  public var user: [Double]
  /// As `user`, in the kernel.
  public var system: [Double]
  /// Largest resident set in bytes, one per sample; empty: not known.
  public var residentMax: [Double]
  /// One per started process; nil: ended by a signal. Empty for what is not started per sample.
  public var exitCodes: [Int?]
  /// Runs in one sample; the same for all subjects of a comparison.
  public var iterations: Int
  /// What else was counted, by metric name (`faults`, `instructions`).
  public var counters: [String: BenchCounter]

  public init(
    name: String, kind: Kind, source: String, parameters: [String: String] = [:], times: [Double], median: Estimate? = nil,
    user: [Double] = [], system: [Double] = [], residentMax: [Double] = [], exitCodes: [Int?] = [], iterations: Int = 1,
    counters: [String: BenchCounter] = [:]
  ) {
    self.name = name; self.kind = kind; self.source = source; self.parameters = parameters; self.times = times
    self.median = median; self.user = user; self.system = system; self.residentMax = residentMax
    self.exitCodes = exitCodes; self.iterations = iterations; self.counters = counters
  }
}

/// A count per run, one per sample.
public struct BenchCounter: Codable, Hashable, Sendable {
  public var unit: MetricUnit
  public var values: [Double]
  public init(unit: MetricUnit, values: [Double]) { self.unit = unit; self.values = values }
}

/// One candidate against the baseline.
public struct BenchComparison: Codable, Hashable, Sendable {
  /// Index in `BenchReport.subjects`; names need not be unique (`nb bench true true`).
  public var candidate: Int
  /// baseline ÷ candidate: above 1 the candidate is faster; nil: could not be estimated.
  public var ratio: Estimate?
  /// baseline − candidate in ns; nil: could not be estimated.
  public var delta: Estimate?
  public var verdict: Verdict
  /// Samples of the baseline that have a sample of the candidate next to them.
  public var pairs: Int
  /// Independent pairs that these are worth; nil: not known.
  public var pairsEffective: Double?
  /// The smallest difference that so many pairs would have found, as a share: 0.014; nil: not known.
  public var minimumDetectableEffect: Double?
  /// About how many pairs would decide; nil: decided, or not known.
  public var pairsToDecide: Int?

  public init(
    candidate: Int, ratio: Estimate?, delta: Estimate?, verdict: Verdict, pairs: Int, pairsEffective: Double? = nil,
    minimumDetectableEffect: Double? = nil, pairsToDecide: Int? = nil
  ) {
    self.candidate = candidate; self.ratio = ratio; self.delta = delta; self.verdict = verdict; self.pairs = pairs
    self.pairsEffective = pairsEffective; self.minimumDetectableEffect = minimumDetectableEffect
    self.pairsToDecide = pairsToDecide
  }
}

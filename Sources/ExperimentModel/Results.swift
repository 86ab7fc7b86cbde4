// Results: what a run produced, as plain values. Tables, plots, pages, live values and the log are
// all made from these and from nothing else.

/// A point estimate with its interval (95 % unless a doubt says otherwise). nil bounds: exact count or not known.
public struct Estimate: Codable, Hashable, Sendable {
  public var value: Double
  public var low: Double?
  public var high: Double?
  public init(_ value: Double, low: Double? = nil, high: Double? = nil) {
    self.value = value; self.low = low; self.high = high
  }

  public func scaled(by factor: Double) -> Estimate { Estimate(value * factor, low: low.map { $0 * factor }, high: high.map { $0 * factor }) }

  /// A number when exact, `[value, low, high]` with an interval: results files hold hundreds of these.
  public init(from decoder: any Decoder) throws {
    if let exact = try? decoder.singleValueContainer().decode(Double.self) {
      self.init(exact)
      return
    }
    var list = try decoder.unkeyedContainer()
    self.init(try list.decode(Double.self), low: try list.decode(Double.self), high: try list.decode(Double.self))
  }

  public func encode(to encoder: any Encoder) throws {
    guard let low, let high else {
      var container = encoder.singleValueContainer()
      return try container.encode(value)
    }
    var list = encoder.unkeyedContainer()
    for number in [value, low, high] { try list.encode(number) }
  }
}

public struct MetricValue: Codable, Hashable, Sendable {
  public var estimate: Estimate
  public var unit: MetricUnit
  public init(_ estimate: Estimate, _ unit: MetricUnit) { self.estimate = estimate; self.unit = unit }
}

/// Something a reader must know about a number; becomes a footnote of the table.
public struct Doubt: Codable, Hashable, Sendable {
  public var id: String
  public var text: String
  public init(id: String, text: String) { self.id = id; self.text = text }
}

/// What one request of an arm's scenario found, by its name: `pay`, or `checkout / pay` for a journey's step.
public struct RequestResult: Codable, Hashable, Sendable {
  public var name: String
  public var metrics: [String: MetricValue]
  public init(name: String, metrics: [String: MetricValue]) { self.name = name; self.metrics = metrics }
}

public struct ArmResult: Codable, Hashable, Sendable {
  public var name: String
  /// Shown instead of the name, one for each of the result's `labelColumns`; nil: there are none.
  public var labels: [String]?
  /// Shown instead of the name, where the name is a role that addresses know before the run.
  public var label: String?
  public var params: [String: Double]
  public var metrics: [String: MetricValue]
  /// Closed-form values for the same metric names.
  public var theory: [String: Double]
  /// Measured values as they are judged against a twin: of the same arrivals (the trace twin), with the interval of the
  /// difference; or simulated, with the interval of one run's luck. nil: there is none.
  public var paired: [String: Estimate]?
  /// Of a scenario with several requests, in its order; nil: it has one.
  public var requests: [RequestResult]?
  public init(
    name: String, params: [String: Double] = [:], metrics: [String: MetricValue],
    theory: [String: Double] = [:], label: String? = nil
  ) {
    self.label = label
    self.name = name; self.params = params; self.metrics = metrics; self.theory = theory
  }
}

public enum RunValidity: String, Codable, Sendable { case valid = "VALID", degraded = "DEGRADED", invalid = "INVALID" }
public enum Verdict: String, Codable, Sendable { case faster, slower, better, worse, equivalent, unresolved }
public enum Outcome: String, Codable, Sendable { case pass, fail, inconclusive }
public enum ClaimStatus: String, Codable, Sendable {
  case verified = "verified here", notReproduced = "not reproduced here", inconclusive, simulated
}
public enum MachineState: String, Codable, Sendable { case quiet, busy, noisy }

/// baseline ÷ candidate and baseline − candidate for every metric both arms have.
public struct ComparisonResult: Codable, Hashable, Sendable {
  public var candidate: String
  /// The point at which both were measured; nil where nothing is varied.
  public var at: [String: Double]?
  public var metric: String
  public var ratio: [String: Estimate]
  public var delta: [String: MetricValue]
  public var verdict: Verdict
  public init(
    candidate: String, at: [String: Double]? = nil, metric: String, ratio: [String: Estimate],
    delta: [String: MetricValue], verdict: Verdict
  ) {
    self.candidate = candidate; self.at = at; self.metric = metric; self.ratio = ratio; self.delta = delta
    self.verdict = verdict
  }
}

public struct JudgementResult: Codable, Hashable, Sendable {
  public var text: String
  public var measured: MetricValue?
  public var outcome: Outcome
  /// Which window `measured` is of, such as `2 s to 3 s`: the first that failed, else the nearest to it. nil: the whole run.
  public var place: String?
  public init(text: String, measured: MetricValue?, outcome: Outcome, place: String? = nil) {
    self.text = text; self.measured = measured; self.outcome = outcome; self.place = place
  }
}

/// A line or a set of dots; x and y in stored units.
public struct PlotSeries: Codable, Hashable, Sendable {
  public enum Mark: String, Codable, Sendable { case dots, line, step }
  public var name: String
  public var mark: Mark
  public var x: [Double]
  public var y: [Double]
  public var low: [Double]?
  public var high: [Double]?
  public init(name: String, mark: Mark, x: [Double], y: [Double], low: [Double]? = nil, high: [Double]? = nil) {
    self.name = name; self.mark = mark; self.x = x; self.y = y; self.low = low; self.high = high
  }
}

public struct PlotData: Codable, Hashable, Sendable {
  public var title: String
  public var xLabel: String
  public var yLabel: String
  public var xUnit: MetricUnit
  public var yUnit: MetricUnit
  public var logX: Bool
  public var series: [PlotSeries]
  public init(
    title: String, xLabel: String, yLabel: String, xUnit: MetricUnit, yUnit: MetricUnit, logX: Bool,
    series: [PlotSeries]
  ) {
    self.title = title; self.xLabel = xLabel; self.yLabel = yLabel; self.xUnit = xUnit
    self.yUnit = yUnit; self.logX = logX; self.series = series
  }
}

/// What a compiler, an interpreter or nb says about a line of the notebook.
public struct FailureNote: Codable, Hashable, Sendable {
  public var isError: Bool
  /// From 1, in the notebook.
  public var line: Int
  /// From 1; nil: the whole line.
  public var column: Int?
  public var text: String
  public init(isError: Bool, line: Int, column: Int?, text: String) {
    self.isError = isError; self.line = line; self.column = column; self.text = text
  }
}

/// A saved result of one cell. `measured` is what agreement compares; times and hosts stay in the store.
public struct CellResult: Codable, Hashable, Sendable {
  public var id: String
  public var kind: String
  public var title: String?
  /// `Cell.inputs` at the time of the run.
  public var inputs: String
  public var quick: Bool
  public var evidence: Evidence
  public var validity: RunValidity
  /// Why the run is not VALID, in one sentence.
  public var validityReason: String?
  public var arms: [ArmResult]
  /// Which metrics the table shows, in order.
  public var columns: [String]
  /// What the first column is called: `variant`, or the swept parameter, or `subject`.
  public var rowLabel: String
  /// A/A control of the comparison's metric.
  public var control: Estimate?
  public var comparisons: [ComparisonResult]
  public var thresholds: [JudgementResult]
  public var expects: [JudgementResult]
  public var gates: [JudgementResult]
  public var plots: [PlotData]
  /// What else the machine did during the run; nil: nothing of it is in the numbers, which are simulated or computed.
  public var machine: MachineState?
  public var doubts: [Doubt]
  /// Names and versions of the real programs in this measurement: `PostgreSQL 15.18`. nil: the lab's own parts.
  public var components: [String]?
  /// Where the CPU time went, for a profile.
  public var profile: StackProfile?
  /// What telemetry looks like.
  public var pictures: [TelemetryPicture]?
  /// What the columns of `labels` are called, where a row is known by more than one name; nil: `rowLabel` is all.
  public var labelColumns: [String]?
  /// Set when the cell failed; the rest is then empty.
  public var failure: String?
  /// What the machine lacked when the cell was to run, as it goes on after "needs ": it did not run. The rest is then empty, or
  /// of an earlier run, and nothing of it is shown to hold here. nil: it ran.
  public var unmet: String?
  /// What was wrong at lines of the notebook, where something is; not kept with the results.
  public var failureNotes: [FailureNote]?
  /// For the log: what changed and why.
  public var change: String?
  public var why: String?
  /// Digests of what `inputs` was made of, by name (`block`, `system shop`, `fence fast`), so that a later question can say which of
  /// them changed. nil: the result is from before these were kept.
  public var parts: [String: String]?

  public init(id: String, kind: String, title: String? = nil, inputs: String, quick: Bool, evidence: Evidence) {
    self.id = id; self.kind = kind; self.title = title; self.inputs = inputs; self.quick = quick
    self.evidence = evidence; validity = .valid; arms = []; columns = []; rowLabel = "variant"
    comparisons = []; thresholds = []; expects = []; gates = []; plots = []; doubts = []
  }

  /// There are numbers to be shown and compared.
  public var hasNumbers: Bool { failure == nil && validity != .invalid && (unmet == nil || !arms.isEmpty) }

  /// The measured value at an address inside this cell, with interval; nil when there is none.
  ///
  /// `ratio` and `delta` without a name mean the only candidate; `est` keeps the point estimate only.
  public func value(at address: Address) -> MetricValue? {
    var path = address.arm
    var pointOnly = false
    if path.first == "est" { pointOnly = true; path.removeFirst() }
    guard var found = lookUp(path, address) else { return nil }
    if pointOnly { found.estimate.low = nil; found.estimate.high = nil }
    return found
  }

  private func lookUp(_ path: [String], _ address: Address) -> MetricValue? {
    if path.first == "ratio" || path.first == "delta" {
      // Requests are not paired one by one.
      guard address.request == nil else { return nil }
      let possible = comparisons.filter { one in
        (path.count < 2 || one.candidate == path[1]) && address.at.allSatisfy { one.at?[$0.key] == $0.value }
      }
      guard possible.count == 1, let chosen = possible.first else { return nil }
      if path[0] == "ratio" { return chosen.ratio[address.metric].map { MetricValue($0, .ratio) } }
      return chosen.delta[address.metric]
    }
    // A figure of the whole block is no rival of its only arm.
    var candidates = arms.filter { !$0.name.isEmpty }
    if let name = path.first {
      switch name {
      case "baseline": candidates = comparisons.isEmpty ? [] : Array(arms.prefix(1))
      case "candidate": candidates = comparisons.count == 1 ? Array(arms.dropFirst()) : []
      default: candidates = arms.filter { $0.name == name }
      }
    }
    candidates = candidates.filter { arm in address.at.allSatisfy { arm.params[$0.key] == $0.value } }
    if let request = address.request {
      return candidates.count == 1 ? candidates[0].requests?.first { $0.name == request }?.metrics[address.metric] : nil
    }
    if candidates.count == 1, let value = candidates[0].metrics[address.metric] { return value }
    // A fit over all points of a subject stands in an arm of its own, the only one that has it.
    let having = candidates.filter { $0.metrics[address.metric] != nil }
    if having.count == 1, !having[0].name.isEmpty, address.at.isEmpty, !path.isEmpty { return having[0].metrics[address.metric] }
    // A figure of the whole cell (che_error, parity) lives in the arm named "".
    return arms.first { $0.name.isEmpty }?.metrics[address.metric]
  }
}

// Samples in processes: layout, hash seeds and allocation are drawn once per process, so a thousand
// iterations of one process are one draw of them. The process is the unit (Kalibera and Jones 2013).

/// Why two-level samples were refused: what is missing and what to do about it.
public enum TwoLevelRefusal: Error, Hashable, Sendable {
  case tooFewProcesses(given: Int, needed: Int)
  /// The process at this position, from 0, has no iterations.
  case emptyProcess(Int)
  /// The process at this position, from 0, has a value that is not finite.
  case notFinite(Int)

  /// Cause and remedy, a sentence without a full stop.
  public var text: String {
    switch self {
    case .tooFewProcesses(let given, let needed):
      "\(given) processes are too few to see how processes differ: start at least \(needed)"
    case .emptyProcess(let index): "process \(index + 1) has no iterations: leave it out or let it finish one"
    case .notFinite(let index): "process \(index + 1) has a value that is not a number: measure it again"
    }
  }
}

/// The mean over processes and how much of the spread is between them.
public struct TwoLevelMean: Hashable, Sendable {
  /// Mean of the processes' means: every process counts once, however many iterations it made.
  public var mean: Double
  /// Student's t over the processes' means, with one degree fewer than processes.
  public var interval: Interval
  public var processes: Int
  /// All iterations of all processes.
  public var iterations: Int
  /// Share of the variance of one iteration that lies between processes, 0…1 (the one-way analysis of
  /// variance's estimate for unequal sizes, Donner 1986); nil when no process has a second iteration or nothing varies.
  public var intraclass: Double?

  /// How many times the variance of a mean is larger than pooled iterations would claim, 1 + (m − 1) ρ with m
  /// iterations per process (Kish 1965); nil without `intraclass`.
  public var designEffect: Double? {
    intraclass.map { 1 + (Double(iterations) / Double(processes) - 1) * $0 }
  }
}

/// Mean of process means with its interval; iterations inside a process are averaged, never pooled.
///
/// - Parameters:
///   - processes: the iterations of each process, after warm-up, in the samples' unit.
///   - fewest: processes below which the samples are refused. Six, as for pairs: the smallest number
///     with which a 95 % interval does not rest on the shape of a distribution nobody has seen.
/// - Throws: `TwoLevelRefusal`.
public func twoLevelMean(
  _ processes: [[Double]], confidence: Double = 0.95, fewest: Int = 6
) throws(TwoLevelRefusal) -> TwoLevelMean {
  if let index = processes.firstIndex(where: { $0.isEmpty }) { throw .emptyProcess(index) }
  if let index = processes.firstIndex(where: { !$0.allSatisfy { $0.isFinite } }) { throw .notFinite(index) }
  let means = processes.map(sampleMean)
  guard processes.count >= max(2, fewest), let interval = meanInterval(means, confidence: confidence) else {
    throw .tooFewProcesses(given: processes.count, needed: max(2, fewest))
  }
  return TwoLevelMean(
    mean: sampleMean(means), interval: interval, processes: processes.count,
    iterations: processes.reduce(0) { $0 + $1.count }, intraclass: intraclassCorrelation(processes, means))
}

/// (B − W)/(B + (m₀ − 1) W) with the mean squares between and within, no less than 0.
private func intraclassCorrelation(_ groups: [[Double]], _ means: [Double]) -> Double? {
  let k = Double(groups.count)
  let total = Double(groups.reduce(0) { $0 + $1.count })
  guard total > k else { return nil }
  let grand = groups.reduce(0) { $0 + $1.reduce(0, +) } / total
  var between = 0.0
  var within = 0.0
  var squares = 0.0
  for (group, mean) in zip(groups, means) {
    let size = Double(group.count)
    between += size * (mean - grand) * (mean - grand)
    within += group.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    squares += size * size
  }
  between /= k - 1
  within /= total - k
  let typical = (total - squares / total) / (k - 1)
  let denominator = between + (typical - 1) * within
  return denominator > 0 ? min(1, max(0, (between - within) / denominator)) : nil
}

// Does a series of iteration times settle, and from where: Barrett, Bolz-Tereick, Killick, Mount and Tratt, "Virtual
// machine warmup blows hot and cold" (OOPSLA 2017). A fixed number of warm-up iterations is a guess; this looks.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a series of iteration times does before its last level.
public enum WarmUpClass: Hashable, Sendable {
  /// One level from the first iteration on.
  case flat
  /// The last level is the fastest; it holds from this iteration on, from 0.
  case warmUp(steadyFrom: Int)
  /// An earlier level was faster than the last one.
  case slowdown(steadyFrom: Int)
  /// The level still changes in the last quarter.
  case noSteadyState
  /// Only of several processes: they differ in kind.
  case inconsistent

  /// The first iteration of the steady state, from 0; nil when there is none.
  public var steadyFrom: Int? {
    switch self {
    case .flat: 0
    case .warmUp(let from), .slowdown(let from): from
    case .noSteadyState, .inconsistent: nil
    }
  }

  /// For a table.
  public var words: String {
    switch self {
    case .flat: "flat"
    case .warmUp: "warm-up"
    case .slowdown: "slowdown"
    case .noSteadyState: "no steady state"
    case .inconsistent: "inconsistent"
    }
  }
}

/// A stretch of one level.
public struct WarmUpSegment: Hashable, Sendable {
  /// Iterations, from 0.
  public var range: Range<Int>
  /// exp of the mean log time, spikes clipped; in the times' unit.
  public var level: Double
}

/// One process: its class and the levels that speak for it.
public struct WarmUp: Hashable, Sendable {
  public var kind: WarmUpClass
  /// In order, covering the series.
  public var segments: [WarmUpSegment]
  /// Levels closer than this share to the last one count as the last one.
  public var tolerance: Double
}

/// Several processes of one program.
public struct WarmUpOfProcesses: Hashable, Sendable {
  /// The kind they share, steady from where the last of them is; else `.inconsistent`.
  public var kind: WarmUpClass
  public var processes: [WarmUp]
  /// How many processes are of each kind, by its words.
  public var counts: [String: Int] { processes.reduce(into: [:]) { $0[$1.kind.words, default: 0] += 1 } }
  /// The largest start of a steady state; nil when a process has none. With it, `.inconsistent` of flat and warming
  /// processes (the paper's "good inconsistent") can still be measured.
  public var steadyFrom: Int? {
    let starts = processes.compactMap(\.kind.steadyFrom)
    return starts.count == processes.count ? starts.max() : nil
  }
}

/// Classifies the iteration times of one process.
///
/// Change points are found by `changePointsPELT` on the logarithms, so that a level is a factor and noise that grows
/// with the time is even; spikes are clipped first and make no level, nor do fewer than eight slow first iterations.
/// Walking back from the end, levels that are equivalent to the last one belong to the steady state.
///
/// - Parameters:
///   - times: in order, positive and finite, any unit, from the very first iteration on.
///   - equivalence: a level within this share of the last one is the same. The paper takes the larger of 1 ms and the
///     last segment's variance, which ties the class to the unit; here it is the larger of 1 % and half of the standard
///     deviation of a single iteration, a change that no look at the series would find.
///   - steadyShare: the last share of the series that must be steady. The paper demands the last 500 of 2,000. The same
///     quarter is kept for shorter series: less could be one lucky stretch, and more would call a long warm-up none.
/// - Returns: nil below 40 times (a quarter is then ten, hardly more than the shortest segment of eight) or when one is not positive.
public func classifyWarmUp(_ times: [Double], equivalence: Double = 0.01, steadyShare: Double = 0.25) -> WarmUp? {
  precondition(equivalence >= 0 && steadyShare > 0 && steadyShare < 1, "shares")
  guard times.count >= 40, times.allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
  let raw = times.map { log($0) }
  let logs = clippedToRunningMedian(raw)
  let noise = firstDifferenceNoise(logs)
  let changes = noise > 0 ? sharpenedEdges(raw, changes: changePointsPELT(logs), noise: noise) : []
  let edges = [0] + changes + [times.count]
  let levels = zip(edges, edges.dropFirst()).map { (range: $0..<$1, mean: sampleMean(Array(logs[$0..<$1]))) }
  let last = levels[levels.count - 1].mean
  let reach = max(log1p(equivalence), 0.5 * noise)
  var first = levels.count - 1
  while first > 0, abs(levels[first - 1].mean - last) <= reach { first -= 1 }
  let steadyFrom = levels[first].range.lowerBound

  let kind: WarmUpClass
  if Double(times.count - steadyFrom) < steadyShare * Double(times.count) {
    kind = .noSteadyState
  } else if steadyFrom == 0 {
    kind = .flat
  } else if levels[..<first].contains(where: { $0.mean < last - reach }) {
    kind = .slowdown(steadyFrom: steadyFrom)
  } else {
    kind = .warmUp(steadyFrom: steadyFrom)
  }
  return WarmUp(
    kind: kind, segments: levels.map { WarmUpSegment(range: $0.range, level: exp($0.mean)) }, tolerance: expm1(reach))
}

/// Classifies each process and says whether they agree: warm-up differs between starts of the same program, so that
/// one process shows one of the things that can happen.
///
/// - Parameter processes: the iteration times of each process, in order.
/// - Returns: nil without processes or when one cannot be classified.
public func classifyWarmUp(
  processes: [[Double]], equivalence: Double = 0.01, steadyShare: Double = 0.25
) -> WarmUpOfProcesses? {
  let each = processes.compactMap { classifyWarmUp($0, equivalence: equivalence, steadyShare: steadyShare) }
  guard let first = each.first, each.count == processes.count else { return nil }
  guard each.allSatisfy({ $0.kind.words == first.kind.words }) else {
    return WarmUpOfProcesses(kind: .inconsistent, processes: each)
  }
  let latest = each.max { ($0.kind.steadyFrom ?? 0) < ($1.kind.steadyFrom ?? 0) } ?? first
  return WarmUpOfProcesses(kind: latest.kind, processes: each)
}

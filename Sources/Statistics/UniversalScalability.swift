// How throughput grows with load: Gunther's Universal Scalability Law, fitted with an interval for each coefficient.
// Where the measured loads end, the fit is a guess: `doubts` say so. Stored times never enter; loads ran on one machine.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// X(N) = γN/(1 + α(N − 1) + βN(N − 1)) (Gunther, "Guerrilla Capacity Planning", 2007; three coefficients as in the
/// R package usl 3.0).
public struct UniversalScalability: Hashable, Sendable {
  /// Contention: the share that runs one after the other, from 0.
  public var alpha: Double
  /// Coherency: the cost of each pair's agreement, from 0.
  public var beta: Double
  /// Throughput of a load of 1, in the throughputs' unit.
  public var gamma: Double
  public var alphaInterval: Interval?
  public var betaInterval: Interval?
  public var gammaInterval: Interval?
  /// Of `peak`; its upper end is infinite where more than α/2 of the resamples have no coherency cost.
  public var peakInterval: Interval?
  /// 1 − Σ (X − fit)²/Σ (X − mean)², in the throughputs' own unit: a description, as for a curve it is no test.
  public var rSquared: Double
  /// √(Σ (fit/X − 1)²/(n − 3)): a typical relative miss; 0 for three points.
  public var relativeError: Double
  public var points: Int
  public var doubts: [ScalabilityDoubt]

  /// The load with the largest throughput, √((1 − α)/β): infinite without coherency cost, 1 when α ≥ 1.
  public var peak: Double { Self.peak(alpha, beta) }

  static func peak(_ alpha: Double, _ beta: Double) -> Double {
    alpha >= 1 ? 1 : beta > 0 ? max(1, ((1 - alpha) / beta).squareRoot()) : .infinity
  }

  public func throughput(at load: Double) -> Double {
    gamma * load / (1 + alpha * (load - 1) + beta * load * (load - 1))
  }
}

/// What a reader of a scalability fit must know.
public enum ScalabilityDoubt: Hashable, Sendable {
  /// N* was never reached: no load above it was measured.
  case peakBeyondTested(peak: Double, largest: Double)
  /// Different loads, of at least six that Gunther asks for.
  case fewLoads(Int)
  /// The best α or β would be negative: throughput grows faster than load somewhere, which the law does not know.
  case contentionAtBound
  case coherencyAtBound
  /// The typical relative miss is larger than a tenth.
  case poorFit(relativeError: Double)

  /// A sentence without a full stop.
  public var text: String {
    switch self {
    case .peakBeyondTested(let peak, let largest):
      peak.isFinite
        ? "the peak at a load of \(whole(peak)) lies beyond the largest one measured, \(whole(largest)): measure there first"
        : "throughput has no peak within these loads: only larger ones than \(whole(largest)) can show one"
    case .fewLoads(let count): "\(count) different loads are few for three coefficients: measure at least 6"
    case .contentionAtBound: "the contention is 0, the least there can be: the smallest loads may scale better than in proportion"
    case .coherencyAtBound: "the coherency cost is 0, the least there can be: the curve has no peak"
    case .poorFit(let error): "the law misses by \(whole(error * 100)) % on average: look at the plot"
    }
  }
}

/// Rounded, in figures; a peak beyond 10¹⁵ has no more meaning than that.
private func whole(_ value: Double) -> String { "\(Int(min(value, 1e15).rounded()))" }

/// Which residuals are squared.
public enum ScalabilityResiduals: String, Hashable, Sendable {
  /// fit/X − 1: noise is a share of the throughput, as it is where the same time is measured at each load.
  case relative
  /// fit − X: large throughputs count most. What R's `nls` and `nlxb` do; it gives the usl package's published numbers.
  case absolute
}

/// Fits the law to throughputs; a load may be measured several times.
///
/// Levenberg and Marquardt on (1, α, β)/γ, in which N/X is linear, with α, β ≥ 0; where the best fit leaves them, the
/// best on the bound. Intervals are percentiles of a bootstrap of residuals: with six loads a resample of cases would
/// often miss both ends of the curve and have no fit, and the loads were chosen, not drawn. Residuals are blown up by
/// √(n/(n − 3)) · t/z, as few of them are smaller than the noise and percentiles of few know nothing of Student's t.
/// Least squares is not robust: with a tenth of the throughputs up to 10 % too low, γ's interval covers 91 % (1,000 seeds, 21 points).
///
/// - Parameters:
///   - loads: N ≥ 1: users, threads, connections, processors.
///   - throughputs: X > 0 at each load, per any time.
///   - resamples: 0 for no intervals.
/// - Returns: nil for unequal counts, values that are not finite and positive, loads below 1, or fewer than three different loads;
///   without intervals below 5 points.
public func fitUniversalScalability(
  loads: [Double], throughputs: [Double], residuals: ScalabilityResiduals = .relative, confidence: Double = 0.95,
  resamples: Int = 1_000, seed: UInt64 = 1
) -> UniversalScalability? {
  guard loads.count == throughputs.count, loads.allSatisfy({ $0 >= 1 && $0.isFinite }),
    throughputs.allSatisfy({ $0 > 0 && $0.isFinite }), Set(loads).count >= 3,
    let best = ScalabilityFit(loads, throughputs, residuals)
  else { return nil }
  let n = loads.count
  var fit = UniversalScalability(
    alpha: best.alpha, beta: best.beta, gamma: best.gamma, rSquared: 1, relativeError: 0, points: n, doubts: [])
  let fitted = loads.map(fit.throughput)
  let misses = zip(fitted, throughputs).map { $0 / $1 - 1 }
  let mean = sampleMean(throughputs)
  let total = throughputs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  if total > 0 { fit.rSquared = 1 - zip(fitted, throughputs).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / total }
  if n > 3 { fit.relativeError = (misses.reduce(0) { $0 + $1 * $1 } / Double(n - 3)).squareRoot() }

  let largest = loads.max() ?? 1
  if fit.peak > largest { fit.doubts.append(.peakBeyondTested(peak: fit.peak, largest: largest)) }
  if Set(loads).count < 6 { fit.doubts.append(.fewLoads(Set(loads).count)) }
  if fit.alpha == 0 { fit.doubts.append(.contentionAtBound) }
  if fit.beta == 0 { fit.doubts.append(.coherencyAtBound) }
  if fit.relativeError > 0.1 { fit.doubts.append(.poorFit(relativeError: fit.relativeError)) }

  guard n >= 5, resamples >= 100 else { return fit }
  let drawn = bootstrapResiduals(
    fitted: fitted, values: throughputs, relative: residuals == .relative, parameters: 3, resamples: resamples,
    confidence: confidence, seed: seed
  ) { resample in
    ScalabilityFit(loads, resample, residuals).map {
      [$0.alpha, $0.beta, $0.gamma, UniversalScalability.peak($0.alpha, $0.beta)]
    }
  }
  guard let drawn else { return fit }
  (fit.alphaInterval, fit.betaInterval) = (drawn[0], drawn[1])
  (fit.gammaInterval, fit.peakInterval) = (drawn[2], drawn[3])
  return fit
}

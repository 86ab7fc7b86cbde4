// The interval of a quantile from order statistics, made honest for samples that remember.

/// Interval of quantile `q` of samples in order of time, in the samples' unit.
///
/// Ranks come from `binomialRanks`; their distances from q (n + 1) are widened by what the samples' memory
/// costs (`RankWidening`), in independent samples by nothing.
///
/// - Parameter autocorrelated: false for samples known to be independent (one process each, shuffled);
///   their order is then ignored.
/// - Parameter starts: which start of its program each sample is from, where a program was started several times; for a median.
/// - Returns: nil when there are too few samples, or when 20 or more samples depend on each other so
///   much that too few independent ones are left (a random walk has no median to find).
public func quantileInterval(
  _ samples: [Double], q: Double, confidence: Double, autocorrelated: Bool = true, starts: [Int]? = nil
) -> Interval? {
  guard samples.allSatisfy({ $0.isFinite }) else { return nil }
  let widening = autocorrelated ? RankWidening(of: samples, starts: starts) : .independent
  guard let widening, let ranks = widening.ranks(n: samples.count, q: q, confidence: confidence) else { return nil }
  let sorted = samples.sorted()
  return Interval(low: sorted[ranks.lower - 1], high: sorted[ranks.upper - 1], confidence: confidence)
}

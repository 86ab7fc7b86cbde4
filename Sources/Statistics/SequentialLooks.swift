// Looking at a comparison while it runs, without finding what is not there: every look spends its share of α.

/// At which numbers of pairs to look, at what level, and what to do then.
///
/// With k looks each is made at α/k (Bonferroni), which bounds the risk of any false finding at α whatever the
/// looks have in common. Between looks nothing is judged: looking at another time spends α a second time.
public struct SequentialLooks: Hashable, Sendable {
  /// Pairs at each look, ascending.
  public let sizes: [Int]
  /// The risk of a false finding over all looks.
  public let alpha: Double

  /// Looks at 20, 40, 80 and 100 pairs, 5 % together.
  public static let standard = SequentialLooks(sizes: [20, 40, 80, 100], alpha: 0.05)

  /// - Precondition: `sizes` ascends from 6 or more, 0 < `alpha` < 1.
  public init(sizes: [Int], alpha: Double) {
    precondition(
      (sizes.first ?? 0) >= 6 && zip(sizes, sizes.dropFirst()).allSatisfy { $0 < $1 }, "looks ascend from 6 pairs")
    precondition(alpha > 0 && alpha < 1, "a risk inside (0, 1)")
    self.sizes = sizes
    self.alpha = alpha
  }

  /// Of each look's interval: 1 − α/k.
  public var confidence: Double { 1 - alpha / Double(sizes.count) }

  /// Pairs at the next look; nil after the last.
  public func next(after pairs: Int) -> Int? { sizes.first { $0 > pairs } }

  /// What a look leads to.
  public enum Decision: Hashable, Sendable {
    /// The verdict is not `unresolved`: no more is measured.
    case stop(PairedComparison)
    /// Measure on; the comparison of the look, when there was one and it could be judged.
    case measure(until: Int, PairedComparison?)
    /// The last look found nothing, or (nil) could not be judged because the pairs depend on each other.
    case exhausted(PairedComparison?)
  }

  /// The decision of the largest look that `baseline` and `candidate` suffice for. Pairs after it are not
  /// looked at. `equivalence` is also judged at the look's level, by the interval of 1 − 2α/k.
  public func decide(
    baseline: [Double], candidate: [Double], equivalence delta: Double = 0.02, starts: [Int]? = nil
  ) -> Decision {
    let pairs = min(baseline.count, candidate.count)
    var found: PairedComparison?
    if let size = sizes.last(where: { $0 <= pairs }) {
      found = comparePaired(
        baseline: Array(baseline.prefix(size)), candidate: Array(candidate.prefix(size)), equivalence: delta,
        confidence: confidence, starts: starts.map { Array($0.prefix(size)) })
    }
    if let found, found.verdict != .unresolved { return .stop(found) }
    guard let until = next(after: pairs) else { return .exhausted(found) }
    return .measure(until: until, found)
  }

  /// All looks in their order over finished samples: the first that stops, else the last decision.
  public func run(baseline: [Double], candidate: [Double], equivalence delta: Double = 0.02) -> Decision {
    var last = Decision.measure(until: sizes[0], nil)
    for size in sizes where size <= min(baseline.count, candidate.count) {
      last = decide(
        baseline: Array(baseline.prefix(size)), candidate: Array(candidate.prefix(size)), equivalence: delta)
      if case .stop = last { return last }
    }
    return last
  }
}
